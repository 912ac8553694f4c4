import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { type LayerReading, LayerWatch } from '../../src/client/media/layer-watch.ts';

const LOOK_MS = 250;
const NEEDS = [150_000, 300_000];

/** A video of two layers, controlled by the test. */
class Sender {
  readonly told: number[] = [];
  readonly frames = [0, 0];
  room: number | undefined = 1_000_000;
  isSending = true;
  readonly watch = new LayerWatch({
    read: async (): Promise<LayerReading | undefined> =>
      this.isSending
        ? { layers: this.frames.map((framesSent, at) => ({ framesSent, needs: NEEDS[at] ?? 0 })), room: this.room }
        : undefined,
    changed: (layers) => this.told.push(layers),
  });

  /** Makes this number of checks, with these frames of each layer between two checks. */
  async look(times: number, ...frames: readonly number[]): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      for (const [at, more] of frames.entries()) this.frames[at] = (this.frames[at] ?? 0) + more;
      mock.timers.tick(LOOK_MS);
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    }
  }
}

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

test('a stopped larger layer is reported at the next check, and its return when it is steady', async () => {
  const sender = new Sender();
  await sender.look(4, 8, 8);
  assert.deepEqual(sender.told, []);
  await sender.look(1, 8, 0);
  assert.deepEqual(sender.told, [1]);
  await sender.look(3, 8, 8);
  assert.deepEqual(sender.told, [1]);
  await sender.look(1, 8, 8);
  assert.deepEqual(sender.told, [1, 2]);
});

test('a layer is given up before it stops, while viewers can still switch without a gap', async () => {
  const sender = new Sender();
  await sender.look(4, 8, 8);
  sender.room = 340_000;
  await sender.look(1, 8, 8);
  assert.deepEqual(sender.told, [1]);
  // Hardly more room: the layer would be given up again.
  sender.room = 400_000;
  await sender.look(8, 8, 8);
  assert.deepEqual(sender.told, [1]);
  sender.room = 500_000;
  await sender.look(4, 8, 8);
  assert.deepEqual(sender.told, [1, 2]);
});

test('if the browser does not report the available rate, only the frames count', async () => {
  const sender = new Sender();
  sender.room = undefined;
  await sender.look(4, 8, 8);
  assert.deepEqual(sender.told, []);
  await sender.look(1, 8, 0);
  assert.deepEqual(sender.told, [1]);
});

test('a still picture, a low frame rate and muted video are not reported', async () => {
  const sender = new Sender();
  await sender.look(4, 8, 8);
  await sender.look(20, 0, 0);
  await sender.look(20, 1, 1);
  // The frames of one layer are counted a moment before those of the other.
  await sender.look(1, 3, 0);
  await sender.look(1, 0, 3);
  sender.isSending = false;
  await sender.look(20, 0, 0);
  assert.deepEqual(sender.told, []);
});

test('a layer without any frame is not sent', async () => {
  const sender = new Sender();
  await sender.look(2, 8, 0);
  assert.deepEqual(sender.told, [1]);
});

test('nothing is read or reported after the stop', async () => {
  const sender = new Sender();
  await sender.look(2, 8, 8);
  sender.watch.stop();
  await sender.look(4, 8, 0);
  assert.deepEqual(sender.told, []);
});

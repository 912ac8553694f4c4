import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, mock, test } from 'node:test';
import type { types } from 'mediasoup';
import { MediaProducer } from '../../src/server/media-node/producer.ts';

/** The part of mediasoup's producer that ours uses. */
class FakeProducer extends EventEmitter {
  readonly id = 'id';
  readonly observer = new EventEmitter();
  closed = false;
  paused: boolean;
  layers = 0;

  constructor(paused: boolean) {
    super();
    this.paused = paused;
  }

  async getStats(): Promise<unknown[]> {
    return Array(this.layers);
  }

  async pause(): Promise<void> {
    this.paused = true;
  }

  async resume(): Promise<void> {
    this.paused = false;
  }

  /** This number of layers has arrived by now. */
  come(layers: number): void {
    this.layers = layers;
    this.emit('score', Array(layers));
  }
}

interface Made {
  readonly producer: MediaProducer;
  readonly fake: FakeProducer;
}

/** With one viewer that can receive media, or with `none`. */
async function make(layers: number, { paused = false, already = 0, viewers = 'one' } = {}): Promise<Made> {
  let fake: FakeProducer | undefined;
  const transport = {
    produce: async (options: types.ProducerOptions): Promise<types.Producer> => {
      fake = new FakeProducer(options.paused ?? false);
      fake.layers = already;
      return fake as unknown as types.Producer;
    },
  };
  const encodings = Array.from({ length: layers }, (_, at) => ({ rid: `r${at}` }));
  const producer = await MediaProducer.create(transport, {
    kind: 'video',
    paused,
    rtpParameters: { codecs: [], encodings },
  });
  assert.ok(fake);
  if (viewers === 'one') producer.ready('viewer');
  await Promise.resolve();
  return { producer, fake };
}

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

test('a video starts when all of its layers have arrived', async () => {
  const { producer, fake } = await make(2);
  assert.equal(fake.paused, true);
  assert.equal(producer.paused, false, 'its client has not muted it');
  fake.come(1);
  assert.equal(fake.paused, true);
  fake.come(2);
  assert.equal(fake.paused, false);
});

test('a layer that is not sent is not awaited for long', async () => {
  const { fake } = await make(3);
  fake.come(2);
  mock.timers.tick(149);
  assert.equal(fake.paused, true);
  mock.timers.tick(1);
  assert.equal(fake.paused, false);
});

test("layers that were faster than the worker's answer count", async () => {
  const { fake } = await make(2, { already: 2 });
  assert.equal(fake.paused, false);
});

test('a single layer, and sound, start at once', async () => {
  const { fake } = await make(1);
  assert.equal(fake.paused, false);
});

test('a video that is muted meanwhile does not start until it is unmuted', async () => {
  const { producer, fake } = await make(2);
  await producer.pause();
  fake.come(2);
  assert.equal(fake.paused, true);
  assert.equal(producer.paused, true);
  await producer.resume();
  assert.equal(fake.paused, false);
});

test('a video that is muted from the start is unmuted when its layers have arrived', async () => {
  const { producer, fake } = await make(2, { paused: true });
  assert.equal(producer.paused, true);
  await producer.resume();
  assert.equal(producer.paused, false);
  assert.equal(fake.paused, true);
  fake.come(2);
  assert.equal(fake.paused, false);
});

test('a video starts with its first viewer, after a moment for other expected viewers', async () => {
  const { producer, fake } = await make(2, { viewers: 'none' });
  fake.come(2);
  for (const viewer of ['ann', 'bob', 'eve']) producer.expect(viewer);
  mock.timers.tick(1_000);
  assert.equal(fake.paused, true, 'no viewer can see it yet');
  producer.ready('ann');
  producer.ready('bob');
  mock.timers.tick(99);
  assert.equal(fake.paused, true, 'Eve may join');
  mock.timers.tick(1);
  assert.equal(fake.paused, false, 'Eve is late');
});

test('an ended viewer is not awaited', async () => {
  const { producer, fake } = await make(2, { viewers: 'none' });
  fake.come(2);
  for (const viewer of ['ann', 'bob']) producer.expect(viewer);
  producer.ready('ann');
  producer.leave('bob');
  assert.equal(fake.paused, false);
});

test('a late layer starts a video for earlier viewers', async () => {
  const { producer, fake } = await make(2, { viewers: 'none' });
  producer.expect('eve');
  producer.ready('ann');
  mock.timers.tick(1_000);
  assert.equal(fake.paused, true);
  fake.come(2);
  assert.equal(fake.paused, false);
});

test('nothing is awaited after the close', async () => {
  const { fake } = await make(2);
  fake.come(1);
  fake.observer.emit('close');
  mock.timers.tick(1_000);
  assert.equal(fake.paused, true);
});

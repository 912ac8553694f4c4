import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, mock, test } from 'node:test';
import type { types } from 'mediasoup';
import { hurryToFullRate } from '../../src/server/media-node/full-rate.ts';

/** The part of mediasoup's consumer under test: a preference without a temporal layer means the highest. */
class FakeConsumer {
  readonly observer = new EventEmitter();
  readonly asked: types.ConsumerLayers[] = [];
  preferredLayers: types.ConsumerLayers | undefined;
  readonly #highest: number;

  constructor(highest: number, preferredLayers?: types.ConsumerLayers) {
    this.#highest = highest;
    this.preferredLayers = preferredLayers;
  }

  async setPreferredLayers(layers: types.ConsumerLayers): Promise<void> {
    this.asked.push(layers);
    this.preferredLayers = { temporalLayer: this.#highest, ...layers };
  }

  hurry(): void {
    hurryToFullRate(this as unknown as types.Consumer);
  }
}

async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms);
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

test('a viewer of a video with temporal layers is checked three times, and keeps its preference', async () => {
  const consumer = new FakeConsumer(2, { spatialLayer: 1, temporalLayer: 2 });
  consumer.hurry();
  await pass(150);
  assert.deepEqual(consumer.asked, [{ spatialLayer: 1, temporalLayer: 1 }, { spatialLayer: 1 }]);
  await pass(150);
  await pass(300);
  assert.equal(consumer.asked.length, 6);
  assert.deepEqual(consumer.preferredLayers, { spatialLayer: 1, temporalLayer: 2 });
  await pass(60_000);
  assert.equal(consumer.asked.length, 6);
});

test('sound, a video with one temporal layer, and an ended viewer are left alone', async () => {
  for (const consumer of [new FakeConsumer(0), new FakeConsumer(0, { spatialLayer: 1, temporalLayer: 0 })]) {
    consumer.hurry();
    await pass(1_000);
    assert.deepEqual(consumer.asked, []);
  }
  const ended = new FakeConsumer(2, { spatialLayer: 1, temporalLayer: 2 });
  ended.hurry();
  ended.observer.emit('close');
  await pass(1_000);
  assert.deepEqual(ended.asked, []);
});

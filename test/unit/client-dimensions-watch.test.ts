import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DimensionsWatch } from '../../src/client/media/dimensions-watch.ts';
import type { VideoDimensions } from '../../src/client/session/stream.ts';

const WIDE = { width: 640, height: 480 };
const HIGH = { width: 480, height: 640 };

test('a new size is reported once, after two readings, with whether the track is new', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let size: VideoDimensions | undefined = WIDE;
  const told: string[] = [];
  const watch = new DimensionsWatch({
    read: () => size,
    changed: ({ width, height }, isOtherTrack) => told.push(`${width}x${height}${isOtherTrack ? ' replaced' : ''}`),
  });
  const look = (next: VideoDimensions | undefined): string[] => {
    size = next;
    t.mock.timers.tick(650);
    return told.splice(0);
  };
  watch.start(WIDE);
  assert.deepEqual(look(WIDE), []);
  assert.deepEqual(look(WIDE), []);
  assert.deepEqual(look(HIGH), []);
  assert.deepEqual(look(HIGH), ['480x640']);
  assert.deepEqual(look(HIGH), []);
  // Only for a moment.
  assert.deepEqual(look(WIDE), []);
  assert.deepEqual(look(HIGH), []);
  // Unreadable for a while.
  assert.deepEqual(look(WIDE), []);
  assert.deepEqual(look(undefined), []);
  assert.deepEqual(look(WIDE), []);
  watch.trackReplaced();
  assert.deepEqual(look(WIDE), []);
  assert.deepEqual(look(WIDE), ['640x480 replaced']);
  assert.deepEqual(look(HIGH), []);
  assert.deepEqual(look(HIGH), ['480x640']);
  // The event of the track already covers the same size.
  watch.trackReplaced();
  look(HIGH);
  assert.deepEqual(look(HIGH), []);
  look(WIDE);
  assert.deepEqual(look(WIDE), ['640x480']);
  watch.stop();
  look(HIGH);
  assert.deepEqual(look(HIGH), []);
});

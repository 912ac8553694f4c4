import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longestGap, missingFrames, movesAgainAt, type ShownFrame } from '../../bench/report/frames.ts';
import { quantile, summarise } from '../../bench/report/statistics.ts';
import { pick, seededRandom, seeds } from '../fixtures/random.ts';

/** Frames at these times, each told to the page, with the numbers given. */
function shown(times: readonly number[], stamps: readonly (number | undefined)[] = []): ShownFrame[] {
  return times.map((at, index) => ({
    at,
    presented: index + 1,
    rtpTimestamp: at * 90,
    width: 640,
    stamp: stamps[index],
  }));
}

test('a quantile is a sample that was measured, and with few of them the largest', () => {
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([4, 1, 2, 3], 0.5), 2);
  assert.equal(quantile([1, 2, 3, 4, 5, 6, 7, 8], 0.95), 8);
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
  assert.deepEqual(summarise(hundred), { count: 100, min: 1, p50: 50, p95: 95, p99: 99, max: 100 });
  assert.deepEqual(summarise([7]), { count: 1, min: 7, p50: 7, p95: 7, p99: 7, max: 7 });
  assert.throws(() => summarise([]), RangeError);
});

test('whatever the samples: the share of a quantile does not exceed it, and no smaller sample would do', () => {
  for (const seed of seeds(50)) {
    const random = seededRandom(seed);
    const samples = Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() * 10));
    const share = pick(random, [0.5, 0.95, 0.99, 1]);
    const found = quantile(samples, share);
    const atMost = (limit: number): number => samples.filter((sample) => sample <= limit).length / samples.length;
    assert.ok(samples.includes(found) && atMost(found) >= share, `seed ${seed}`);
    assert.ok(atMost(found - 1) < share, `seed ${seed}`);
  }
});

test('a gap counts in full in the span in which it ends', () => {
  const frames = shown([0, 100, 200, 900, 1_000]);
  assert.equal(longestGap(frames, 50, 200), 100);
  assert.equal(longestGap(frames, 300, 1_000), 700);
  assert.equal(longestGap(shown([0, 16.7, 50.1]), 0, 50.1), 33);
  assert.equal(longestGap(frames, 950, 1_000), 100);
});

test('a picture that has stopped stands still until the end, but not from before the beginning', () => {
  assert.equal(longestGap(shown([0, 100]), 50, 600), 500);
  assert.equal(longestGap(shown([0, 100]), 400, 600), 200);
  assert.equal(longestGap([], 0, 300), 300);
});

test('a picture moves again with the frame that ends its longest standstill', () => {
  const frames = shown([0, 100, 400, 500, 1_100, 1_200]);
  assert.equal(movesAgainAt(frames, 450, 1_200), 1_100);
  assert.equal(movesAgainAt(frames, 150, 520), 400);
  assert.equal(movesAgainAt(frames, 420, 520), 500);
  assert.equal(movesAgainAt(shown([0, 100]), 50, 600), 600);
});

test('frames are missing when their numbers are, in whatever order the others came', () => {
  const times = [0, 50, 100, 150, 200];
  assert.equal(missingFrames(shown(times, [1, 2, 3, 4, 5]), 0, 200), 0);
  assert.equal(missingFrames(shown(times, [1, 2, 2, 5, 6]), 0, 200), 2);
  assert.equal(missingFrames(shown(times, [1, 3, 2, 4, undefined]), 0, 200), 0);
  assert.equal(missingFrames(shown(times, [1, 5, 6, 7, 8]), 50, 200), 0);
  assert.equal(missingFrames(shown(times), 0, 200), 0);
});

test('frames that the browser has presented without telling the page are not missing', () => {
  const frames: ShownFrame[] = [
    { at: 0, presented: 1, width: 640, stamp: 1 },
    { at: 100, presented: 3, width: 640, stamp: 3 },
    { at: 200, presented: 4, width: 640, stamp: 5 },
  ];
  assert.equal(missingFrames(frames, 0, 200), 1);
  // Only where it is missing: what was shown twice elsewhere hides nothing.
  const repeated: ShownFrame[] = [
    { at: 0, presented: 1, width: 640, stamp: 1 },
    { at: 100, presented: 4, width: 640, stamp: 2 },
    { at: 200, presented: 5, width: 640, stamp: 4 },
  ];
  assert.equal(missingFrames(repeated, 0, 200), 1);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullAgainAt, longestGap, rateOf, type ShownFrame, sentFrames, widthOf } from '../../bench/report/frames.ts';

const FRAME_MS = 50;
const FULL = { width: 640, rate: 20 };

interface Span {
  readonly from: number;
  readonly to: number;
  readonly everyMs?: number;
  readonly width?: number;
}

/** Frames as a browser tells of them: 20 per second of 640 px unless a span says otherwise. */
function film(...spans: readonly Span[]): ShownFrame[] {
  const frames = spans.flatMap(({ from, to, everyMs = FRAME_MS, width = 640 }) =>
    Array.from({ length: Math.ceil((to - from) / everyMs) }, (_, index) => {
      const at = from + index * everyMs;
      return { at, rtpTimestamp: at * 90, width };
    }),
  );
  return frames.map((frame, index) => ({ ...frame, presented: index + 1 }));
}

/** The same, with what a browser paints by itself before there is anything to show. */
function withBlack(frames: readonly ShownFrame[], at: number): ShownFrame[] {
  const all = [...frames, { at, presented: 0, width: 640 }].sort((one, other) => one.at - other.at);
  return all.map((frame, index) => ({ ...frame, presented: index + 1 }));
}

test('a frame that nobody sent is no frame: neither ends a gap nor counts', () => {
  const frames = withBlack(film({ from: 0, to: 1_000 }, { from: 1_950, to: 3_000 }), 1_400);
  assert.equal(longestGap(frames, 1_000, 3_000), 1_000);
  assert.equal(sentFrames(frames).length, frames.length - 1);
  assert.equal(rateOf(frames, 1_000, 1_900), 0);
  assert.equal(rateOf(frames, 2_000, 2_950), 20);
  assert.equal(widthOf(frames, 1_000, 1_900), 0);
});

test('a frame with a number that was read is one, wherever the browser says nothing of packets', () => {
  const frames: ShownFrame[] = [0, 50, 100].map((at, index) => ({
    at,
    presented: index + 1,
    width: 320,
    stamp: index,
  }));
  assert.equal(longestGap(frames, 0, 100), 50);
  const unread = { at: 75, presented: 2, width: 320, stamp: undefined };
  assert.equal(sentFrames([...frames, unread]).length, 3);
});

test('frames that the page was not told of count, and those that the browser painted by itself do not', () => {
  const frames = film({ from: 0, to: 1_000, everyMs: 100 });
  const busy = frames.map((frame, index) => ({ ...frame, presented: 2 * index + 1 }));
  assert.equal(rateOf(busy, 0, 900), 20);
  assert.equal(rateOf(withBlack(frames, 450), 0, 900), 10);
});

test('the width is that of most frames', () => {
  const frames = film({ from: 0, to: 1_000, width: 320 }, { from: 1_000, to: 3_000 });
  assert.equal(widthOf(frames, 0, 3_000), 640);
  assert.equal(widthOf(frames, 0, 1_500), 320);
  assert.equal(widthOf(frames, 5_000, 6_000), 0);
});

test('a picture that begins slowly is back when the slow beginning has ended', () => {
  const slow = { from: 1_200, to: 2_400, everyMs: 200 };
  assert.equal(fullAgainAt(film({ from: 0, to: 1_000 }, slow, { from: 2_400, to: 4_000 }), 1_000, FULL), 2_400);
});

test('a picture that begins small is back when it has its size', () => {
  const small = { from: 1_200, to: 3_000, width: 320 };
  assert.equal(fullAgainAt(film({ from: 0, to: 1_000 }, small, { from: 3_000, to: 5_000 }), 1_000, FULL), 3_000);
  assert.equal(fullAgainAt(film({ from: 0, to: 1_000 }, { ...small, to: 5_000 }), 1_000, FULL), undefined);
});

test('a picture that was never less is back with its next frame', () => {
  assert.equal(fullAgainAt(film({ from: 0, to: 3_000 }), 1_000, FULL), 1_050);
});

test('a tenth of the frames of the second may be missing, no more, and it must have passed', () => {
  const lacking = (missing: number): ShownFrame[] => {
    const frames = film({ from: 1_000, to: 2_000 });
    return frames
      .filter((_, index) => index === 0 || index > missing)
      .map((frame, index) => ({ ...frame, presented: index }));
  };
  assert.equal(fullAgainAt(lacking(2), 900, FULL), 1_000);
  assert.equal(fullAgainAt(lacking(3), 900, FULL), undefined);
  assert.equal(fullAgainAt(film({ from: 1_000, to: 1_800 }), 900, FULL), undefined);
});

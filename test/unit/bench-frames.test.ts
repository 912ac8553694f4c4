import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fullAfter,
  longestGap,
  lostFrames,
  moveAfter,
  rateOf,
  type ShownFrame,
  sentFrames,
  widthOf,
} from '../../bench/report/frames.ts';

const FRAME_MS = 50;
const FULL = { width: 640, rate: 20 };

interface Span {
  readonly from: number;
  readonly to: number;
  readonly everyMs?: number;
  readonly width?: number;
}

/** Frames as a browser reports them: by default 20 per second of 640 px. */
function film(...spans: readonly Span[]): ShownFrame[] {
  const frames = spans.flatMap(({ from, to, everyMs = FRAME_MS, width = 640 }) =>
    Array.from({ length: Math.ceil((to - from) / everyMs) }, (_, index) => {
      const at = from + index * everyMs;
      return { at, rtpTimestamp: at * 90, width };
    }),
  );
  return frames.map((frame, index) => ({ ...frame, presented: index + 1 }));
}

/** Frames at these times, each with a callback and the given number. */
function shown(times: readonly number[], stamps: readonly (number | undefined)[] = []): ShownFrame[] {
  return times.map((at, index) => ({
    at,
    presented: index + 1,
    rtpTimestamp: at * 90,
    width: 640,
    stamp: stamps[index],
  }));
}

/** The same, with a black frame that the browser paints before the first picture. */
function withBlack(frames: readonly ShownFrame[], at: number): ShownFrame[] {
  const all = [...frames, { at, presented: 0, width: 640 }].sort((one, other) => one.at - other.at);
  return all.map((frame, index) => ({ ...frame, presented: index + 1 }));
}

test('a frame that no sender sent neither ends a gap nor counts', () => {
  const frames = withBlack(film({ from: 0, to: 1_000 }, { from: 1_950, to: 3_000 }), 1_400);
  assert.equal(longestGap(frames, 1_000, 3_000), 1_000);
  assert.equal(sentFrames(frames).length, frames.length - 1);
  assert.equal(rateOf(frames, 1_000, 1_900), 0);
  assert.equal(rateOf(frames, 2_000, 2_950), 20);
  assert.equal(widthOf(frames, 1_000, 1_900), 0);
});

test('a frame with a readable number counts, even if the browser reports no packets', () => {
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

test('frames without a callback count, and those that the browser painted by itself do not', () => {
  const frames = film({ from: 0, to: 1_000, everyMs: 100 });
  const busy = frames.map((frame, index) => ({ ...frame, presented: 2 * index + 1 }));
  assert.equal(rateOf(busy, 0, 900), 20);
  assert.equal(rateOf(withBlack(frames, 450), 0, 900), 10);
});

test('the width is the most frequent one', () => {
  const frames = film({ from: 0, to: 1_000, width: 320 }, { from: 1_000, to: 3_000 });
  assert.equal(widthOf(frames, 0, 3_000), 640);
  assert.equal(widthOf(frames, 0, 1_500), 320);
  assert.equal(widthOf(frames, 5_000, 6_000), 0);
});

test('a picture that begins slowly is back when the slow beginning has ended', () => {
  const slow = { from: 1_200, to: 2_400, everyMs: 200 };
  assert.equal(fullAfter(film({ from: 0, to: 1_000 }, slow, { from: 2_400, to: 4_000 }), 1_000, FULL), 2_400);
});

test('a picture that begins small is back at its full size', () => {
  const small = { from: 1_200, to: 3_000, width: 320 };
  assert.equal(fullAfter(film({ from: 0, to: 1_000 }, small, { from: 3_000, to: 5_000 }), 1_000, FULL), 3_000);
  assert.equal(fullAfter(film({ from: 0, to: 1_000 }, { ...small, to: 5_000 }), 1_000, FULL), undefined);
});

test('a picture that never degraded is back with its next frame', () => {
  assert.equal(fullAfter(film({ from: 0, to: 3_000 }), 1_000, FULL), 1_050);
});

test("at most a tenth of the second's frames may be missing, and the second must be complete", () => {
  const lacking = (missing: number): ShownFrame[] => {
    const frames = film({ from: 1_000, to: 2_000 });
    return frames
      .filter((_, index) => index === 0 || index > missing)
      .map((frame, index) => ({ ...frame, presented: index }));
  };
  assert.equal(fullAfter(lacking(2), 900, FULL), 1_000);
  assert.equal(fullAfter(lacking(3), 900, FULL), undefined);
  assert.equal(fullAfter(film({ from: 1_000, to: 1_800 }), 900, FULL), undefined);
});

test('a gap counts in full in the span in which it ends', () => {
  const frames = shown([0, 100, 200, 900, 1_000]);
  assert.equal(longestGap(frames, 50, 200), 100);
  assert.equal(longestGap(frames, 300, 1_000), 700);
  assert.equal(longestGap(shown([0, 16.7, 50.1]), 0, 50.1), 33);
  assert.equal(longestGap(frames, 950, 1_000), 100);
});

test('a stopped picture stands still until the end, but not from before the beginning', () => {
  assert.equal(longestGap(shown([0, 100]), 50, 600), 500);
  assert.equal(longestGap(shown([0, 100]), 400, 600), 200);
  assert.equal(longestGap([], 0, 300), 300);
});

test('frames with missing numbers are lost, in any order of the others', () => {
  const times = [0, 50, 100, 150, 200];
  assert.equal(lostFrames(shown(times, [1, 2, 3, 4, 5]), 0, 200).length, 0);
  assert.equal(lostFrames(shown(times, [1, 2, 2, 5, 6]), 0, 200).length, 2);
  assert.equal(lostFrames(shown(times, [1, 3, 2, 4, undefined]), 0, 200).length, 0);
  assert.equal(lostFrames(shown(times, [1, 5, 6, 7, 8]), 50, 200).length, 0);
  assert.equal(lostFrames(shown(times), 0, 200).length, 0);
});

test('frames that the browser presented without a callback are not lost', () => {
  const frames: ShownFrame[] = [
    { at: 0, presented: 1, width: 640, stamp: 1 },
    { at: 100, presented: 3, width: 640, stamp: 3 },
    { at: 200, presented: 4, width: 640, stamp: 5 },
  ];
  assert.equal(lostFrames(frames, 0, 200).length, 1);
  // Only at the missing number: repetitions elsewhere hide nothing.
  const repeated: ShownFrame[] = [
    { at: 0, presented: 1, width: 640, stamp: 1 },
    { at: 100, presented: 4, width: 640, stamp: 2 },
    { at: 200, presented: 5, width: 640, stamp: 4 },
  ];
  assert.equal(lostFrames(repeated, 0, 200).length, 1);
});

test('a lost frame is reported with its number and its time', () => {
  assert.deepEqual(lostFrames(shown([0, 50, 100], [1, 2, 5]), 0, 100), [
    { stamp: 3, by: 100 },
    { stamp: 4, by: 100 },
  ]);
});

/** A second path, whose clock began at another time. */
function movedTo(frames: readonly ShownFrame[], rtpOffset = 1_000_000_000): ShownFrame[] {
  return frames.map((frame) => ({ ...frame, rtpTimestamp: ((frame.rtpTimestamp ?? 0) + rtpOffset) % 2 ** 32 }));
}

function inOrder(...parts: readonly (readonly ShownFrame[])[]): ShownFrame[] {
  return parts.flat().map((frame, index) => ({ ...frame, presented: index + 1 }));
}

test('a move is from the last old to the first new frame, even if the new path begins slowly', () => {
  const old = film({ from: 0, to: 1_000 });
  const next = movedTo(film({ from: 1_100, to: 2_500, everyMs: 200 }, { from: 2_500, to: 4_000 }));
  const frames = inOrder(old, next);
  assert.deepEqual(moveAfter(frames, 940), { gap: 150, lastAt: 950, shownAt: 1_100 });
  assert.equal(fullAfter(frames, 950, FULL), 2_500);
});

test('a slow beginning is detected even if the old path continues long after the event', () => {
  const next = movedTo(film({ from: 2_600, to: 4_000, everyMs: 200 }, { from: 4_000, to: 6_000 }));
  const frames = inOrder(film({ from: 0, to: 2_500 }), next);
  const { lastAt = 0 } = moveAfter(frames, 1_000) ?? {};
  assert.equal(fullAfter(frames, 1_000, FULL), 1_050);
  assert.equal(fullAfter(frames, lastAt, FULL), 4_000);
});

test('a black frame between two paths is neither the last of one nor the first of the other', () => {
  const frames = withBlack(inOrder(film({ from: 0, to: 1_000 }), movedTo(film({ from: 1_950, to: 3_000 }))), 1_300);
  assert.deepEqual(moveAfter(frames, 1_000), { gap: 1_000, lastAt: 950, shownAt: 1_950 });
});

test('the last frame of the old path, repeated when the track is replaced, does not end the gap', () => {
  const old = film({ from: 0, to: 1_000 });
  const again = { at: 1_400, presented: 0, rtpTimestamp: 950 * 90, width: 640 };
  const frames = inOrder(old, [again], movedTo(film({ from: 1_950, to: 3_000 })));
  assert.deepEqual(moveAfter(frames, 1_000), { gap: 1_000, lastAt: 950, shownAt: 1_950 });
  assert.equal(longestGap(frames, 1_000, 2_900), 1_000);
});

test('a freeze, jitter and a wrapping RTP clock are not moves, and an earlier move does not belong to the event', () => {
  const late = film({ from: 0, to: 1_000 }, { from: 5_000, to: 6_000 }).map((frame, index) => ({
    ...frame,
    at: frame.at + (index % 3) * 70,
  }));
  assert.equal(moveAfter(late, 500), undefined);
  assert.equal(moveAfter(movedTo(film({ from: 0, to: 3_000 }), 2 ** 32 - 90_000), 500), undefined);
  const frames = inOrder(film({ from: 0, to: 1_000 }), movedTo(film({ from: 1_000, to: 2_000 })));
  assert.equal(moveAfter(frames, 1_500), undefined);
});

/** A frame that a video has shown. */
export interface ShownFrame {
  /** Unix time, ms. */
  readonly at: number;
  /** Number of frames that the browser has presented so far. A busy page gets no callback for some of them. */
  readonly presented: number;
  /** Of the frame's packets. */
  readonly rtpTimestamp?: number | undefined;
  /** Width of the sent picture, px. */
  readonly width: number;
  /** The number that the sender has drawn into it, if any. */
  readonly stamp?: number | undefined;
}

/** The RTP clock of a picture, ticks per ms, and its range. */
const RTP_TICKS = 90;
const RTP_RANGE = 2 ** 32;
/** Largest difference of the clocks of one path, ms. Each path starts at a random time within 13 hours. */
const SAME_PATH_MS = 3_000;
/**
 * How long a picture must have its full size and rate to count as back, ms, and the share of the frames that
 * suffices.
 */
const FULL_MS = 1_000;
const FULL_SHARE = 0.9;

/** A frame that came from the sender. */
interface SentFrame {
  readonly frame: ShownFrame;
  /** Number of frames that it represents: itself, and preceding ones without a callback. */
  readonly count: number;
}

/**
 * Browsers also show frames that no sender sent, such as a black one before the first. They also show the last one
 * again when its track is replaced.
 */
function sent(frames: readonly ShownFrame[]): SentFrame[] {
  const found: SentFrame[] = [];
  for (const [index, frame] of frames.entries()) {
    const { rtpTimestamp, stamp, presented } = frame;
    if (rtpTimestamp === undefined && stamp === undefined) continue;
    const before = found.at(-1)?.frame;
    const isAnew = rtpTimestamp === undefined ? stamp === before?.stamp : rtpTimestamp === before?.rtpTimestamp;
    if (isAnew) continue;
    found.push({ frame, count: Math.max(1, presented - (frames[index - 1]?.presented ?? presented - 1)) });
  }
  return found;
}

/** The sent frames, each once. */
export function sentFrames(frames: readonly ShownFrame[]): ShownFrame[] {
  return sent(frames).map(({ frame }) => frame);
}

/**
 * The longest standstill of a picture between `from` and `to`, ms. A gap belongs to the span in which it ends, and
 * counts in full, including its part before `from`, because a fault may follow right after a frame. A stopped picture
 * stands still until `to`. Whole milliseconds, because browsers show frames in steps of 16.7 ms.
 */
export function longestGap(frames: readonly ShownFrame[], from: number, to: number): number {
  let longest = 0;
  let last: number | undefined;
  for (const { at } of sentFrames(frames)) {
    if (at > to) break;
    if (last !== undefined && at > from) longest = Math.max(longest, at - last);
    last = at;
  }
  return Math.round(Math.max(longest, to - Math.max(last ?? from, from)));
}

/** Frames shown per second between `from` and `to`, including those without a callback. */
export function rateOf(frames: readonly ShownFrame[], from: number, to: number): number {
  const shown = sent(frames).reduce((sum, { frame: { at }, count }) => sum + (at > from && at <= to ? count : 0), 0);
  return (shown * 1_000) / (to - from);
}

/** The most frequent width of the frames between `from` and `to`, px; 0 without frames. */
export function widthOf(frames: readonly ShownFrame[], from: number, to: number): number {
  const counts = new Map<number, number>();
  for (const { at, width } of sentFrames(frames)) {
    if (at > from && at <= to) counts.set(width, (counts.get(width) ?? 0) + 1);
  }
  return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most), [0, 0])[0];
}

/** The picture at its best. */
export interface Full {
  readonly width: number;
  /** Sent frames per second. */
  readonly rate: number;
}

/**
 * When the picture is at its best: the first frame after `since` that starts a second in which nine tenths of the
 * sent frames are shown at full width. Unix time, ms; `undefined` if there is none.
 */
export function fullAfter(frames: readonly ShownFrame[], since: number, { width, rate }: Full): number | undefined {
  const full = sent(frames).flatMap(({ frame, count }) =>
    frame.at > since && frame.width >= width ? [{ at: frame.at, count }] : [],
  );
  const needed = (rate * FULL_SHARE * FULL_MS) / 1_000;
  let end = 0;
  let count = 0;
  for (const first of full) {
    for (let next = full[end]; next && next.at < first.at + FULL_MS; next = full[end]) {
      count += next.count;
      end += 1;
    }
    if (count >= needed) return first.at;
    count -= first.count;
  }
  return undefined;
}

/** A picture has started to arrive over another path. */
export interface Move {
  /** From the last frame of the old path to the first of the new one, ms. */
  readonly gap: number;
  /** When each of the two was shown; Unix time, ms. */
  readonly lastAt: number;
  readonly shownAt: number;
}

/** The first move after `since`; `undefined` if there is none. */
export function moveAfter(frames: readonly ShownFrame[], since: number): Move | undefined {
  let last: ShownFrame | undefined;
  for (const frame of sentFrames(frames)) {
    if (last && frame.at > since && !isSamePath(last, frame)) {
      return { gap: Math.round(frame.at - last.at), lastAt: last.at, shownAt: frame.at };
    }
    last = frame;
  }
  return undefined;
}

/** The RTP time of one path advances with the wall clock. */
function isSamePath(one: ShownFrame, other: ShownFrame): boolean {
  if (one.rtpTimestamp === undefined || other.rtpTimestamp === undefined) return true;
  const passed = Math.round((other.at - one.at) * RTP_TICKS);
  const off = (((other.rtpTimestamp - one.rtpTimestamp - passed) % RTP_RANGE) + RTP_RANGE) % RTP_RANGE;
  return Math.min(off, RTP_RANGE - off) <= SAME_PATH_MS * RTP_TICKS;
}

/** A sent frame that is missing among the shown ones. */
export interface LostFrame {
  readonly stamp: number;
  /** When the next frame was shown; Unix time, ms. */
  readonly by: number;
}

/**
 * Numbered frames between the first and the last shown from `from` to `to` that were not shown. Presented frames
 * without a callback count as shown: the first missing ones are assumed to be these.
 */
export function lostFrames(frames: readonly ShownFrame[], from: number, to: number): LostFrame[] {
  const watched = frames.flatMap(({ at, stamp, presented }) =>
    at >= from && at <= to && stamp !== undefined ? [{ at, stamp, presented }] : [],
  );
  const stamps = new Set(watched.map(({ stamp }) => stamp));
  const lost: LostFrame[] = [];
  let newest: number | undefined;
  for (const [index, { at, stamp, presented }] of watched.entries()) {
    const untold = Math.max(0, presented - (watched[index - 1]?.presented ?? presented) - 1);
    const leftOut: LostFrame[] = [];
    for (let between = (newest ?? stamp) + 1; between < stamp; between += 1) {
      if (!stamps.has(between)) leftOut.push({ stamp: between, by: at });
    }
    lost.push(...leftOut.slice(untold));
    newest = Math.max(newest ?? stamp, stamp);
  }
  return lost;
}

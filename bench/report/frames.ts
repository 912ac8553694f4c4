/** A frame that a video has shown. */
export interface ShownFrame {
  /** Unix time, ms. */
  readonly at: number;
  /** How many frames the browser had presented by then: a page with much to do is not told of each. */
  readonly presented: number;
  /** Of the packets that brought it. */
  readonly rtpTimestamp?: number | undefined;
  /** Of the picture as it was sent, px. */
  readonly width: number;
  /** The number its sender has drawn into it, where it has. */
  readonly stamp?: number | undefined;
}

/** The RTP clock of a picture, ticks per ms, and how far it counts. */
const RTP_TICKS = 90;
const RTP_RANGE = 2 ** 32;
/** By how much the clocks of one path differ at most, ms. Each path begins at a time of its own, out of 13 hours. */
const SAME_PATH_MS = 3_000;
/** For how long a picture must have its full size and rate to count as back, ms, and what of the frames may be left out. */
const FULL_MS = 1_000;
const FULL_SHARE = 0.9;

/** A frame that somebody has sent. */
interface SentFrame {
  readonly frame: ShownFrame;
  /** How many it stands for: itself, and those before it that the page was not told of. */
  readonly count: number;
}

/**
 * Browsers also show frames that nobody sent, such as a black one before the first, and show the last one anew when its
 * track is exchanged.
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

/** Those that somebody has sent, each once. */
export function sentFrames(frames: readonly ShownFrame[]): ShownFrame[] {
  return sent(frames).map(({ frame }) => frame);
}

/**
 * The longest time for which a picture stood still between `from` and `to`, ms. A gap belongs to the span in which it
 * ends, and counts in full, also what of it lies before `from`: the fault may come just after a frame. A picture that
 * has stopped stands still until `to`. Whole milliseconds: browsers show frames in steps of 16.7 ms, give or take less.
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

/** How many frames were shown each second between `from` and `to`, those among them that the page was not told of. */
export function rateOf(frames: readonly ShownFrame[], from: number, to: number): number {
  const shown = sent(frames).reduce((sum, { frame: { at }, count }) => sum + (at > from && at <= to ? count : 0), 0);
  return (shown * 1_000) / (to - from);
}

/** The width that most of the frames between `from` and `to` had, px; 0 when there were none. */
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
  /** Frames per second that are sent. */
  readonly rate: number;
}

/**
 * When the picture is as good as it can be: the first frame after `since` with which a second begins in which nine tenths of the
 * frames that are sent are shown, at their full width. Unix time, ms; `undefined` when that has not been.
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

/** A picture has come to arrive over another path. */
export interface Move {
  /** From the last frame of the old path to the first of the new one, ms. */
  readonly gap: number;
  /** When each of them was shown; Unix time, ms. */
  readonly lastAt: number;
  readonly shownAt: number;
}

/** The first move after `since`; `undefined` when there was none. */
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

/** The RTP time of one path goes on as the time of day does. */
function isSamePath(one: ShownFrame, other: ShownFrame): boolean {
  if (one.rtpTimestamp === undefined || other.rtpTimestamp === undefined) return true;
  const passed = Math.round((other.at - one.at) * RTP_TICKS);
  const off = (((other.rtpTimestamp - one.rtpTimestamp - passed) % RTP_RANGE) + RTP_RANGE) % RTP_RANGE;
  return Math.min(off, RTP_RANGE - off) <= SAME_PATH_MS * RTP_TICKS;
}

/** A frame that was sent and is missing between those that were shown. */
export interface LostFrame {
  readonly stamp: number;
  /** When the frame that follows was shown; Unix time, ms. */
  readonly by: number;
}

/**
 * Of the numbered frames between the first and the last one shown from `from` to `to`, those that were not. Frames that the
 * browser has presented without telling the page in time were shown: as many as there are are taken to be the first ones.
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

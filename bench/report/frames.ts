/** A frame that a video has shown. */
export interface ShownFrame {
  /** Unix time, ms. */
  readonly at: number;
  /** How many frames the browser had presented by then: a page with much to do is not told of each. */
  readonly presented: number;
  /** Of the packets that brought it. A browser also shows frames that nobody sent: a black one before the first. */
  readonly rtpTimestamp?: number | undefined;
  /** Of the picture as it was sent, px. */
  readonly width: number;
  /** The number its sender has drawn into it, where it has. */
  readonly stamp?: number | undefined;
}

/** For how long a picture must have its full size and rate to count as back, ms, and what of the frames may be left out. */
const FULL_MS = 1_000;
const FULL_SHARE = 0.9;

/** Those that somebody has sent. */
export function sentFrames(frames: readonly ShownFrame[]): ShownFrame[] {
  return frames.filter(({ rtpTimestamp, stamp }) => rtpTimestamp !== undefined || stamp !== undefined);
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
  const shown = frames.reduce((sum, { at }, index) => sum + (at > from && at <= to ? countOf(frames, index) : 0), 0);
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
 * When the picture is as good as it can be: the first frame after `from` with which a second begins in which nine tenths of the
 * frames that are sent are shown, at their full width. Unix time, ms; `undefined` when that has not been.
 */
export function fullAgainAt(frames: readonly ShownFrame[], from: number, { width, rate }: Full): number | undefined {
  const full = frames.flatMap((frame, index) =>
    frame.at > from && frame.width >= width ? [{ at: frame.at, count: countOf(frames, index) }] : [],
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

/** When the picture moved again after its longest standstill between `from` and `to`; Unix time, ms. */
export function movesAgainAt(frames: readonly ShownFrame[], from: number, to: number): number {
  let longest = -1;
  let again = to;
  let last: number | undefined;
  for (const { at } of frames) {
    if (at > to) break;
    if (last !== undefined && at > from && at - last > longest) {
      longest = at - last;
      again = at;
    }
    last = at;
  }
  return last !== undefined && to - last > longest ? to : again;
}

/**
 * How many of the numbered frames between the first and the last one shown from `from` to `to` were not shown. Those that
 * the browser has presented without telling the page in time were: they count as shown.
 */
export function missingFrames(frames: readonly ShownFrame[], from: number, to: number): number {
  const watched = frames.flatMap(({ at, stamp, presented }) =>
    at >= from && at <= to && stamp !== undefined ? [{ stamp, presented }] : [],
  );
  const stamps = new Set(watched.map(({ stamp }) => stamp));
  let missing = 0;
  let newest: number | undefined;
  for (const [index, { stamp, presented }] of watched.entries()) {
    const untold = presented - (watched[index - 1]?.presented ?? presented) - 1;
    let leftOut = 0;
    for (let between = (newest ?? stamp) + 1; between < stamp; between += 1) if (!stamps.has(between)) leftOut += 1;
    missing += Math.max(0, leftOut - Math.max(0, untold));
    newest = Math.max(newest ?? stamp, stamp);
  }
  return missing;
}

/** How many frames this one stands for: itself, and those before it that the page was not told of. 0: nobody sent it. */
function countOf(frames: readonly ShownFrame[], index: number): number {
  const frame = frames[index];
  if (!frame || sentFrames([frame]).length === 0) return 0;
  return Math.max(1, frame.presented - (frames[index - 1]?.presented ?? frame.presented - 1));
}

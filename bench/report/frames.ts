/** A frame that a video has shown. */
export interface ShownFrame {
  /** Unix time, ms. */
  readonly at: number;
  /** How many frames the browser had presented by then: a page with much to do is not told of each. */
  readonly presented: number;
  /** The number its sender has drawn into it, where it has. */
  readonly stamp?: number | undefined;
}

/**
 * The longest time for which a picture stood still between `from` and `to`, ms. A gap belongs to the span in which it
 * ends, and counts in full, also what of it lies before `from`: the fault may come just after a frame. A picture that
 * has stopped stands still until `to`. Whole milliseconds: browsers show frames in steps of 16.7 ms, give or take less.
 */
export function longestGap(frames: readonly ShownFrame[], from: number, to: number): number {
  let longest = 0;
  let last: number | undefined;
  for (const { at } of frames) {
    if (at > to) break;
    if (last !== undefined && at > from) longest = Math.max(longest, at - last);
    last = at;
  }
  return Math.round(Math.max(longest, to - Math.max(last ?? from, from)));
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

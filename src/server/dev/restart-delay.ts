/** A process that ran for so long has worked: its end is not the end of a row of failures. */
const STABLE_MS = 10_000;
const FIRST_MS = 250;
const LONGEST_MS = 5_000;

/** How long to wait before a process that ended is started again: not at all, unless it keeps ending. */
export class RestartDelay {
  #row = 0;

  /** The wait after an end, ms, when the process had run for `ranMs`. */
  next(ranMs: number): number {
    if (ranMs >= STABLE_MS) this.#row = 0;
    const delay = this.#row === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (this.#row - 1));
    this.#row += 1;
    return delay;
  }
}

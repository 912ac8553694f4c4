/** A process that ran for so long has worked: its end is not the end of a row of failures. */
const STABLE_MS = 10_000;
const FIRST_MS = 250;
const LONGEST_MS = 5_000;

/** How long to wait before a process that ended is started again: `atLeastMs`, and longer when it keeps ending. */
export class RestartDelay {
  readonly #atLeastMs: number;
  #row = 0;

  constructor(atLeastMs = 0) {
    this.#atLeastMs = atLeastMs;
  }

  /** The wait after an end, ms, when the process had run for `ranMs`. */
  next(ranMs: number): number {
    if (ranMs >= STABLE_MS) this.#row = 0;
    const delay = this.#row === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (this.#row - 1));
    this.#row += 1;
    return Math.max(this.#atLeastMs, delay);
  }
}

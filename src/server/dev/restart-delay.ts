/** A process that ran for this long has worked, so its end doesn't count as another failure in a row. */
const STABLE_MS = 10_000;
const FIRST_MS = 250;
const LONGEST_MS = 5_000;

/** The delay before an ended process is restarted: `atLeastMs`, or longer if it keeps ending. */
export class RestartDelay {
  readonly #atLeastMs: number;
  #row = 0;

  constructor(atLeastMs = 0) {
    this.#atLeastMs = atLeastMs;
  }

  /** The delay after an end, ms. `ranMs`: how long the process had run. */
  next(ranMs: number): number {
    if (ranMs >= STABLE_MS) this.#row = 0;
    const delay = this.#row === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (this.#row - 1));
    this.#row += 1;
    return Math.max(this.#atLeastMs, delay);
  }
}

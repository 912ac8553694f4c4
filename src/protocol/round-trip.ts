/** A shorter round trip needs no more time than there is anyway. */
const NOTABLE_MS = 1_000;
/** A longer one is a sleep. */
const LONGEST_MS = 10_000;

/** How long a path takes to bring an answer, so that a slow one is given more time than a dead one. Times of any one clock, ms. */
export class RoundTrip {
  #askedAt: number | undefined;
  #ms = 0;

  /** That of the slowest recent answer; 0 when none was slow. */
  get ms(): number {
    return this.#ms;
  }

  /** Something was sent that is answered. */
  asked(now: number): void {
    this.#askedAt ??= now;
  }

  answered(now: number): void {
    if (this.#askedAt !== undefined) this.took(now - this.#askedAt);
    this.#askedAt = undefined;
  }

  /** A path that has been slow is given more time, and slowly less again; a clock that jumps says nothing of it. */
  took(ms: number): void {
    const tookMs = Math.min(LONGEST_MS, Math.max(0, ms));
    this.#ms = Math.max(tookMs < NOTABLE_MS ? 0 : tookMs, this.#ms / 2);
  }
}

/** A shorter round trip is covered by the normal timeouts. */
const NOTABLE_MS = 1_000;
/** A longer one means that the device was asleep. */
const LONGEST_MS = 10_000;

/** Measures the round trip of a path, so that a slow path gets more time than a dead one. Times by any one clock, ms. */
export class RoundTrip {
  #askedAt: number | undefined;
  #ms = 0;

  /** Round trip of the slowest recent answer, ms; 0 if none was slow. */
  get ms(): number {
    return this.#ms;
  }

  /** Call this when something is sent that will be answered. */
  asked(now: number): void {
    this.#askedAt ??= now;
  }

  answered(now: number): void {
    if (this.#askedAt !== undefined) this.took(now - this.#askedAt);
    this.#askedAt = undefined;
  }

  /** Adds a measurement. The allowance for a slow path shrinks gradually. Values from a clock that jumped are limited. */
  took(ms: number): void {
    const tookMs = Math.min(LONGEST_MS, Math.max(0, ms));
    this.#ms = Math.max(tookMs < NOTABLE_MS ? 0 : tookMs, this.#ms / 2);
  }
}

/** A limit that is over so much later than it should be was slept through. */
const LATE_MS = 2_000;
/** What is left then, for one more attempt. */
const LAST_ATTEMPT_MS = 5_000;

/**
 * A time limit. One that ends in a sleep, or in a page that is held up, leaves time for one more attempt first: what the
 * clock has done is no reason to give up.
 */
export class Patience {
  readonly #now: () => number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** `over` after `ms`; `lastAttempt` before it, where the time was slept away. A limit that ran is forgotten. */
  start(ms: number, { lastAttempt, over }: { lastAttempt: () => void; over: () => void }): void {
    this.stop();
    const until = this.#now() + ms;
    this.#timer = setTimeout(() => {
      if (this.#now() - until <= LATE_MS) return over();
      this.#timer = setTimeout(over, LAST_ATTEMPT_MS);
      lastAttempt();
    }, ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

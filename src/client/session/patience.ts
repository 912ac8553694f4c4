/** A timer this late shows that the machine slept or the page was held up. */
const LATE_MS = 2_000;
/** Time that remains for one more attempt then. */
const LAST_ATTEMPT_MS = 5_000;

/**
 * A time limit. After a sleep, or in a page that is held up, it allows one more attempt first, because the network
 * had no chance meanwhile.
 */
export class Patience {
  readonly #now: () => number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Calls `over` after `ms`; if the machine slept past the limit, calls `lastAttempt` and waits first. Replaces a
   * running limit.
   */
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

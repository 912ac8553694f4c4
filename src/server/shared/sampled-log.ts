import type { Logger } from './logging.ts';

const EVERY_MS = 1_000;

/** A log line that strangers can cause: at most one a second is written, with the number of those that were left out. */
export class SampledLog {
  readonly #log: Logger;
  readonly #text: string;
  readonly #now: () => number;
  #at = Number.NEGATIVE_INFINITY;
  #left = 0;

  /** `now`: a clock in ms that does not jump. */
  constructor(log: Logger, text: string, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#text = text;
    this.#now = now;
  }

  warn(facts: Readonly<Record<string, unknown>>): void {
    const now = this.#now();
    if (now - this.#at < EVERY_MS) {
      this.#left += 1;
      return;
    }
    this.#log.warn({ ...facts, ...(this.#left > 0 ? { leftOut: this.#left } : {}) }, this.#text);
    this.#at = now;
    this.#left = 0;
  }
}

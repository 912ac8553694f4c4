export interface TokenBucketOptions {
  /** Tokens that come back each second. */
  readonly perSecond: number;
  /** Tokens of a bucket that is full, and of a new one. */
  readonly burst: number;
  /** A clock in ms that never goes back. Default: `performance.now()`. */
  readonly now?: () => number;
}

/** How much of something may be done: a burst at once, and so much each second in the long run. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #now: () => number;
  #tokens: number;
  #at: number;

  constructor({ perSecond, burst, now = () => performance.now() }: TokenBucketOptions) {
    this.#perMs = perSecond / 1_000;
    this.#burst = burst;
    this.#now = now;
    this.#tokens = burst;
    this.#at = now();
  }

  /** Takes `cost` if there is so much; what costs more than a burst is taken from a full bucket, and leaves a debt. */
  take(cost: number): boolean {
    this.#refill();
    if (this.#tokens < Math.min(cost, this.#burst)) return false;
    this.#tokens -= cost;
    return true;
  }

  /** Takes `cost` from what may not be there: a debt, of at most a burst. */
  spend(cost: number): void {
    this.#refill();
    this.#tokens = Math.max(-this.#burst, this.#tokens - cost);
  }

  /** Gives tokens back, up to a full bucket. */
  give(tokens: number): void {
    this.#refill();
    this.#tokens = Math.min(this.#burst, this.#tokens + tokens);
  }

  /** How long until `take(cost)` succeeds, ms; 0: now. */
  waitMs(cost: number): number {
    this.#refill();
    const missing = Math.min(cost, this.#burst) - this.#tokens;
    return missing <= 0 ? 0 : Math.ceil(missing / this.#perMs);
  }

  #refill(): void {
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
  }
}

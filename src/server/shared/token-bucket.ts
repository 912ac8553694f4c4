export interface TokenBucketOptions {
  /** Tokens added per second. */
  readonly perSecond: number;
  /** Tokens of a full bucket. A new bucket is full. */
  readonly burst: number;
  /** A monotonic clock, ms. Default: `performance.now()`. */
  readonly now?: () => number;
}

/** A rate limit: allows a burst at once, and `perSecond` in the long run. */
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

  /** Takes `cost` tokens if available. A cost above a burst needs a full bucket, and leaves a debt. */
  take(cost: number): boolean {
    this.#refill();
    if (this.#tokens < Math.min(cost, this.#burst)) return false;
    this.#tokens -= cost;
    return true;
  }

  /** Takes `cost` tokens even if they aren't available: the debt is at most a burst. */
  spend(cost: number): void {
    this.#refill();
    this.#tokens = Math.max(-this.#burst, this.#tokens - cost);
  }

  /** Returns tokens, up to a full bucket. */
  give(tokens: number): void {
    this.#refill();
    this.#tokens = Math.min(this.#burst, this.#tokens + tokens);
  }

  /** Time until `take(cost)` succeeds, ms; 0: now. */
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

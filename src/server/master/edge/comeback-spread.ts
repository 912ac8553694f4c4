/**
 * ms of the width for each client: about what a master and a balancer need for one on a small machine. A client that finds them
 * busy for longer than its time-out begins anew, which makes them busier.
 */
const EACH_MS = 1;
/** A few are given more room, as they cost nobody much time. */
const EACH_OF_FEW_MS = 4;
const ROOM_FOR_FEW_MS = 250;
const MOST_MS = 5_000;
/** Clients that are released within so long come back together, ms. */
const TOGETHER_MS = 1_000;

/** The width, ms, over which so many clients that come back at once are spread: each waits for a random part of it. */
export function spreadOf(clients: number): number {
  return Math.min(MOST_MS, Math.max(clients * EACH_MS, Math.min(ROOM_FOR_FEW_MS, clients * EACH_OF_FEW_MS)));
}

/** The width for clients that are released one by one: the more have just been, the wider. */
export class ReleaseSpread {
  readonly #now: () => number;
  #count = 0;
  #since = Number.NEGATIVE_INFINITY;

  /** `now`: a monotonic clock, ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** For one more. */
  next(): number {
    const now = this.#now();
    if (now - this.#since > TOGETHER_MS) {
      this.#since = now;
      this.#count = 0;
    }
    this.#count += 1;
    return spreadOf(this.#count);
  }
}

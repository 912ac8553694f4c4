/**
 * Width per client, ms: about the time that a master and a balancer need for one client on a small machine. If they stay busy
 * for longer than a client's timeout, that client starts again and makes them busier still.
 */
const EACH_MS = 1;
/** A few clients get more width each, because that delays nobody much. */
const EACH_OF_FEW_MS = 4;
const ROOM_FOR_FEW_MS = 250;
const MOST_MS = 5_000;
/** Clients that are released within this time return together, ms. */
const TOGETHER_MS = 1_000;

/** The width, ms, over which this many returning clients are spread. Each waits for a random part of it. */
export function spreadOf(clients: number): number {
  return Math.min(MOST_MS, Math.max(clients * EACH_MS, Math.min(ROOM_FOR_FEW_MS, clients * EACH_OF_FEW_MS)));
}

/** The width for clients that are released one by one. It grows with the number released recently. */
export class ReleaseSpread {
  readonly #now: () => number;
  #count = 0;
  #since = Number.NEGATIVE_INFINITY;

  /** `now`: a monotonic clock, ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Counts another client and returns its width, ms. */
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

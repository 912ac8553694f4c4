import { countedAs } from '../../shared/client-address.ts';

/** How many requests with a wrong or missing secret per address and window are answered with 401; the rest get 429. */
const MOST_PER_WINDOW = 10;
const WINDOW_MS = 60_000;
/** The oldest addresses are forgotten. An attacker with more addresses than this keeps getting 401. */
const MOST_ADDRESSES = 10_000;

interface Failures {
  count: number;
  readonly since: number;
}

/** Counts wrong secrets by address. This only decides the answer to a wrong secret: requests with the right one never get here. */
export class WrongSecrets {
  readonly #byAddress = new Map<string, Failures>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#byAddress.size;
  }

  /** Counts another failure of this address. Returns the seconds until the window ends, or 0 below the limit. */
  failed(address: string): number {
    const key = countedAs(address);
    const now = this.#now();
    let failures = this.#byAddress.get(key);
    if (!failures || now - failures.since >= WINDOW_MS) {
      failures = { count: 0, since: now };
      this.#byAddress.delete(key);
      this.#byAddress.set(key, failures);
      const [oldest] = this.#byAddress.keys();
      if (this.#byAddress.size > MOST_ADDRESSES && oldest !== undefined) this.#byAddress.delete(oldest);
    }
    failures.count += 1;
    if (failures.count <= MOST_PER_WINDOW) return 0;
    return Math.max(1, Math.ceil((failures.since + WINDOW_MS - now) / 1_000));
  }
}

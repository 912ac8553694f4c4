import { countedAs } from '../../shared/client-address.ts';

/** Requests with a wrong secret, or none, that an address may send in a window before it is answered with 429. */
const MOST_PER_WINDOW = 10;
const WINDOW_MS = 60_000;
/** The oldest are forgotten: an attacker with more addresses than this is let off with 401s. */
const MOST_ADDRESSES = 10_000;

interface Failures {
  count: number;
  readonly since: number;
}

/** Counts wrong secrets by address. It only says how a wrong one is answered: the right one is never asked about here. */
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

  /** Counts another failure from this address. Returns after how many seconds to try again, or 0 while it has not failed too often. */
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

import { countedAs } from '../../shared/client-address.ts';
import { TokenBucket } from '../../shared/token-bucket.ts';

/** Limit per address. A whole company behind one address may end a meeting at the same moment. */
const EACH = { perSecond: 50, burst: 1_000 };
/** The oldest addresses are forgotten. An attacker with more than this is held up only by `MOST_UNDER_WAY`. */
const MOST_ADDRESSES = 10_000;
/** How many goodbyes may wait for their owners at a time. */
const MOST_UNDER_WAY = 2_000;

/** Limits the goodbyes of each address, and those in progress altogether. */
export class GoodbyeRate {
  readonly #byAddress = new Map<string, TokenBucket>();
  readonly #now: () => number;
  #underWay = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Runs `work`, or returns which limit forbids it. */
  async run(address: string, work: () => Promise<void>): Promise<'done' | 'tooManyOfAddress' | 'tooManyUnderWay'> {
    if (!this.#bucketOf(countedAs(address)).take(1)) return 'tooManyOfAddress';
    if (this.#underWay >= MOST_UNDER_WAY) return 'tooManyUnderWay';
    this.#underWay += 1;
    try {
      await work();
      return 'done';
    } finally {
      this.#underWay -= 1;
    }
  }

  #bucketOf(key: string): TokenBucket {
    const bucket = this.#byAddress.get(key) ?? new TokenBucket({ ...EACH, now: this.#now });
    this.#byAddress.delete(key);
    this.#byAddress.set(key, bucket);
    const [oldest] = this.#byAddress.keys();
    if (this.#byAddress.size > MOST_ADDRESSES && oldest !== undefined) this.#byAddress.delete(oldest);
    return bucket;
  }
}

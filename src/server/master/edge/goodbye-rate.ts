import { countedAs } from '../../shared/client-address.ts';
import { TokenBucket } from '../../shared/token-bucket.ts';

/** Goodbyes of one address: a whole company behind it may end a meeting at the same moment. */
const EACH = { perSecond: 50, burst: 1_000 };
/** The oldest are forgotten: an attacker with more addresses than this is only held up by what all may have under way. */
const MOST_ADDRESSES = 10_000;
/** Goodbyes that wait for their owner at a time. */
const MOST_UNDER_WAY = 2_000;

/** How many goodbyes an address may send, and all of them may have under way. */
export class GoodbyeRate {
  readonly #byAddress = new Map<string, TokenBucket>();
  readonly #now: () => number;
  #underWay = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Runs `work`, or answers why not. */
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

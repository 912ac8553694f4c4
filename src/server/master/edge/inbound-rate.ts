import { TokenBucket } from '../../shared/token-bucket.ts';
import { BUDGETS } from '../budgets.ts';

/** A pause must end before the other side takes the silence for a dead connection. */
const LONGEST_PAUSE_MS = 1_000;

/** How to continue reading after a frame: at once, after a pause, or not at all. */
export type Pace =
  | { readonly kind: 'on' }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'flood' };

const ON: Pace = { kind: 'on' };

/** Limits how fast frames are read from one client. A faster client is slowed, and refused if it continues. */
export class InboundRate {
  readonly #bucket: TokenBucket;
  readonly #now: () => number;
  /** Since when the client has been slowed without interruption. An interruption lasts at least two pauses. */
  #slowedSince: number | undefined;
  #slowedAt = Number.NEGATIVE_INFINITY;

  /** `now`: a clock in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#bucket = new TokenBucket({ ...BUDGETS.frames, now });
  }

  /** Counts a received frame of `bytes`. */
  took(bytes: number): Pace {
    this.#bucket.spend(1 + Math.floor(bytes / BUDGETS.frameBytesPerToken));
    const waitMs = this.#bucket.waitMs(0);
    if (waitMs === 0) return ON;
    const now = this.#now();
    if (now - this.#slowedAt > 2 * LONGEST_PAUSE_MS) this.#slowedSince = now;
    this.#slowedAt = now;
    if (now - (this.#slowedSince ?? now) > BUDGETS.floodMs) return { kind: 'flood' };
    return { kind: 'pause', ms: Math.min(waitMs, LONGEST_PAUSE_MS) };
  }

  /** Counts a sent frame that the client has to acknowledge. */
  expectsAck(): void {
    this.#bucket.give(1);
  }
}

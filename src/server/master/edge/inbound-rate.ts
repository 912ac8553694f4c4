import { TokenBucket } from '../../shared/token-bucket.ts';
import { BUDGETS } from '../budgets.ts';

/** A pause must end before the other side takes its silence for death. */
const LONGEST_PAUSE_MS = 1_000;

/** How reading goes on after a frame: at once, after a pause, or not at all. */
export type Pace =
  | { readonly kind: 'on' }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'flood' };

const ON: Pace = { kind: 'on' };

/** How fast frames of any kind are read from one client: one that sends more is read more slowly, and refused if it goes on. */
export class InboundRate {
  readonly #bucket: TokenBucket;
  readonly #now: () => number;
  /** Since when it is slowed without a break; a break is as long as two pauses. */
  #slowedSince: number | undefined;
  #slowedAt = Number.NEGATIVE_INFINITY;

  /** `now`: a clock in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#bucket = new TokenBucket({ ...BUDGETS.frames, now });
  }

  /** A frame of so many bytes has come. */
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

  /** A frame was sent that the client is to acknowledge. */
  expectsAck(): void {
    this.#bucket.give(1);
  }
}

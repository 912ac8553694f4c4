import type { RequestFrame } from '../../../protocol/frames.ts';
import type { ByteBudget } from '../../shared/byte-budget.ts';
import { TokenBucket } from '../../shared/token-bucket.ts';
import { BUDGETS } from '../budgets.ts';

/** How often a held gate checks whether it may continue. */
const HELD_MS = 100;

export interface RequestGateOptions {
  /** Carries a request out. */
  readonly begin: (frame: RequestFrame) => void;
  /** Whether no request may begin at this moment. */
  readonly isHeld: () => boolean;
  /** Counts the bytes of waiting requests. */
  readonly budget: ByteBudget;
  readonly limits?: Pick<typeof BUDGETS, 'requests' | 'waitingRequests' | 'waitingRequestBytes'>;
  /** A clock in ms. Default: `performance.now()`. */
  readonly now?: () => number;
}

interface Waiting {
  readonly frame: RequestFrame;
  readonly cost: number;
  readonly bytes: number;
}

/** Begins the requests of one connection in order and at a limited rate; faster ones wait. */
export class RequestGate {
  readonly #options: RequestGateOptions;
  readonly #limits: NonNullable<RequestGateOptions['limits']>;
  readonly #bucket: TokenBucket;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RequestGateOptions) {
    this.#options = options;
    this.#limits = options.limits ?? BUDGETS;
    this.#bucket = new TokenBucket({ ...this.#limits.requests, ...(options.now ? { now: options.now } : {}) });
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Begins the request now or in its turn; `false`: too many wait, and it is refused. */
  take(frame: RequestFrame, cost: number, bytes: number): boolean {
    const { begin, budget } = this.#options;
    if (this.#waiting.length === 0 && this.#bucket.take(cost)) {
      begin(frame);
      return true;
    }
    const isFull =
      this.#waiting.length >= this.#limits.waitingRequests || this.#bytes + bytes > this.#limits.waitingRequestBytes;
    if (isFull || !budget.fits(bytes)) return false;
    this.#waiting.push({ frame, cost, bytes });
    this.#count(bytes);
    this.#arm();
    return true;
  }

  /** Drops the requests that wait. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
    this.#count(-this.#bytes);
  }

  #run(): void {
    const { begin, isHeld } = this.#options;
    for (let next = this.#waiting[0]; next && !isHeld() && this.#bucket.take(next.cost); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#count(-next.bytes);
      begin(next.frame);
    }
    this.#arm();
  }

  #arm(): void {
    const [next] = this.#waiting;
    if (!next || this.#timer) return;
    const waitMs = this.#options.isHeld() ? HELD_MS : this.#bucket.waitMs(next.cost);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#run();
    }, waitMs);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#options.budget.add(bytes);
  }
}

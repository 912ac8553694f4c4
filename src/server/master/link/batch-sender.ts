import { setTimeout as delay } from 'node:timers/promises';
import { BUDGETS } from '../budgets.ts';

/** Bounds on one HTTP body: enough for a burst, small enough to be handled between two beats. */
const MAX_BATCH = 500;
const MAX_BATCH_BYTES = 1024 * 1024;
const RETRY_MS = 50;
/** Items without a frame, such as the word that a socket is gone or to be closed, are smaller; they may wait beyond the limits. */
const SMALL = 200;
const SMALL_SHARE = 1.25;

/** The most that may wait. Lengths of JSON are counted as bytes. */
export interface BatchLimits {
  readonly linkItems: number;
  readonly linkBytes: number;
}

interface Queued<T> {
  readonly item: T;
  readonly json: string;
}

/** What came of sending a batch. `refused`: it has arrived, but something in it cannot be taken. */
export type BatchResult = 'taken' | 'refused';

/**
 * Sends items to one other process in order, one batch in flight at a time; what comes meanwhile is the next batch. A
 * batch that failed is sent again, because everything sent this way is numbered and the far side drops repeats. It ends
 * with `close()`, when the far side is dead; what was unsent then is what a resume brings back. One item that the far side
 * refuses must not hold up the rest: it is found by halving, dropped and reported. What would be more than may wait is not taken,
 * and reported.
 */
export class BatchSender<T> {
  readonly #send: (items: string) => Promise<BatchResult>;
  readonly #dropped: (item: T) => void;
  readonly #full: (item: T) => void;
  readonly #limits: BatchLimits;
  #bytes = 0;
  #queue: Queued<T>[] = [];
  #limit = MAX_BATCH;
  readonly #idle: (() => void)[] = [];
  #state: 'idle' | 'sending' | 'closed' = 'idle';

  /**
   * `send` gets a JSON array, and rejects when it may not have arrived. `dropped` is told of an item that cannot be sent, and `full`,
   * later, of one for which there was no room.
   */
  constructor(
    send: (items: string) => Promise<BatchResult>,
    dropped: (item: T) => void,
    full: (item: T) => void = dropped,
    limits: BatchLimits = BUDGETS,
  ) {
    this.#send = send;
    this.#dropped = dropped;
    this.#full = full;
    this.#limits = limits;
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  add(item: T): void {
    if (this.#state === 'closed') return;
    let json: string;
    try {
      json = JSON.stringify(item);
    } catch {
      this.#dropped(item);
      return;
    }
    const { linkItems, linkBytes } = this.#limits;
    const share = json.length > SMALL ? 1 : SMALL_SHARE;
    if (this.#queue.length >= linkItems * share || this.#bytes + json.length > linkBytes * share) {
      // Not within the call: the caller may be in the middle of telling others the same.
      queueMicrotask(() => this.#full(item));
      return;
    }
    this.#queue.push({ item, json });
    this.#bytes += json.length;
    if (this.#state === 'idle') void this.#run();
  }

  /** Resolves when nothing is left to send. */
  idle(): Promise<void> {
    if (this.#state !== 'sending') return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  close(): void {
    this.#state = 'closed';
    this.#queue = [];
    this.#bytes = 0;
    this.#settleIdle();
  }

  #settleIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #run(): Promise<void> {
    this.#state = 'sending';
    while (this.#queue.length > 0) {
      const batch = this.#next();
      try {
        const result = await this.#send(`[${batch.map(({ json }) => json).join(',')}]`);
        if (this.isClosed) return;
        if (result === 'refused' && batch.length > 1) {
          this.#limit = Math.ceil(batch.length / 2);
          continue;
        }
        this.#limit = MAX_BATCH;
        this.#queue.splice(0, batch.length);
        for (const { json } of batch) this.#bytes -= json.length;
        const [only] = batch;
        if (result === 'refused' && only) this.#dropped(only.item);
      } catch {
        if (this.isClosed) return;
        await delay(RETRY_MS);
        if (this.isClosed) return;
      }
    }
    this.#state = 'idle';
    this.#settleIdle();
  }

  #next(): Queued<T>[] {
    const batch: Queued<T>[] = [];
    let bytes = 0;
    for (const queued of this.#queue) {
      bytes += queued.json.length;
      if (batch.length > 0 && (batch.length >= this.#limit || bytes > MAX_BATCH_BYTES)) break;
      batch.push(queued);
    }
    return batch;
  }
}

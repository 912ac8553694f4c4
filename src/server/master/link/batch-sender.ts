import { setTimeout as delay } from 'node:timers/promises';
import { BUDGETS } from '../budgets.ts';

/** Limits of one HTTP body: enough for a burst, small enough to be handled between two beats. */
const MAX_BATCH = 500;
const MAX_BATCH_BYTES = 1024 * 1024;
const RETRY_MS = 50;
/** Items without a frame, such as "this socket is gone", are shorter than this. They may exceed the limits by a quarter. */
const SMALL = 200;
const SMALL_SHARE = 1.25;

/** Limits of the queue. The length of the JSON counts as bytes. */
export interface BatchLimits {
  readonly linkItems: number;
  readonly linkBytes: number;
}

interface Queued<T> {
  readonly item: T;
  readonly json: string;
}

/** The result of sending a batch. `refused`: it arrived, but the other side cannot take something in it. */
export type BatchResult = 'taken' | 'refused';

/**
 * Sends items to another process in order, one batch at a time. Items that arrive meanwhile form the next batch. A failed batch is sent
 * again: everything sent this way is numbered, so the other side drops repeats. `close()` ends it when the other side is dead; clients
 * then resume for the unsent items.
 *
 * An item that the other side refuses must not block the rest: it is found by halving the batch, then dropped and reported. Items
 * beyond the limits are not queued but reported.
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
   * `send` gets a JSON array, and rejects if it may not have arrived. `dropped` is called with an item that cannot be sent. `full` is
   * called later, outside of `add()`, with an item that didn't fit.
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
      // Asynchronous, because the caller may be in the middle of sending the same to others.
      queueMicrotask(() => this.#full(item));
      return;
    }
    this.#queue.push({ item, json });
    this.#bytes += json.length;
    if (this.#state === 'idle') void this.#run();
  }

  /** Resolves when the queue is empty. */
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

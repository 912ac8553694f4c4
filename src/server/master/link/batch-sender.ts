import { setTimeout as delay } from 'node:timers/promises';

/** A bound on one HTTP body: enough for a burst, small enough to be handled between two beats. */
const MAX_BATCH = 500;
const RETRY_MS = 50;

/**
 * Sends items to one other process in order, one batch in flight at a time; what comes meanwhile is the next batch. A
 * batch that failed is sent again, because everything sent this way is numbered and the far side drops repeats. It ends
 * with `close()`, when the far side is dead; what was unsent then is what a resume brings back.
 */
export class BatchSender<T> {
  readonly #send: (batch: readonly T[]) => Promise<void>;
  #queue: T[] = [];
  readonly #idle: (() => void)[] = [];
  #state: 'idle' | 'sending' | 'closed' = 'idle';

  /** `send` rejects when the batch may not have arrived. */
  constructor(send: (batch: readonly T[]) => Promise<void>) {
    this.#send = send;
  }

  add(item: T): void {
    if (this.#state === 'closed') return;
    this.#queue.push(item);
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
    this.#settleIdle();
  }

  #settleIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #run(): Promise<void> {
    this.#state = 'sending';
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, MAX_BATCH);
      try {
        await this.#send(batch);
        if (this.#isClosed()) return;
        this.#queue.splice(0, batch.length);
      } catch {
        if (this.#isClosed()) return;
        await delay(RETRY_MS);
        if (this.#isClosed()) return;
      }
    }
    this.#state = 'idle';
    this.#settleIdle();
  }

  /** A method, as the compiler believes a field compared once not to change over an await. */
  #isClosed(): boolean {
    return this.#state === 'closed';
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceId } from '../../shared/identity.ts';
import type { Logger } from '../../shared/logging.ts';
import { StoreError } from '../../store/store.ts';
import type { OutboxEvent, WebhookOutbox } from '../../store/webhook-outbox.ts';

/** Events that are ready, or a function that makes them from what has been reported so far. */
export type EventSource = readonly OutboxEvent[] | (() => Promise<readonly OutboxEvent[]>);

export interface EventWriterParts {
  readonly outbox: Pick<WebhookOutbox, 'put'>;
  readonly owner: InstanceId;
  /** How many events may wait for a target in the outbox, and here for the outbox. */
  readonly bound: number;
  readonly log: Logger;
  /** Called when the outbox has something to deliver. */
  readonly written: () => void;
  /** Called with the number of events lost to a target or, without one, to all targets. */
  readonly dropped: (count: number, target?: string) => void;
  /** Delay before a store that does not answer is tried again, ms. Default 250. */
  readonly againMs?: number;
}

interface Waiting {
  readonly source: EventSource;
  readonly done: () => void;
}

/** At most this many events are written in one transaction. */
const BATCH = 100;
/** How often a source is asked again because the outbox has changed before the write. */
const LOOKS = 10;

/**
 * Writes events into the outbox in order and in the background, so that no caller waits for the store. While the store does not
 * answer, events wait here; if there are too many, the oldest are dropped.
 */
export class EventWriter {
  readonly #parts: EventWriterParts;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #isClosed = false;
  #isStuck = false;
  #isFull = false;

  constructor(parts: EventWriterParts) {
    this.#parts = parts;
  }

  /** The number of sources that wait. */
  get size(): number {
    return this.#waiting.length;
  }

  add(source: EventSource): void {
    void this.written(source);
  }

  /** Resolves when the events are in the outbox, or given up. */
  written(source: EventSource): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ source, done });
      this.#makeRoom();
      this.#running ??= this.#run();
    });
  }

  /** Goes on writing for at most `withinMs`, then stops. */
  async close(withinMs: number): Promise<void> {
    await Promise.race([this.#running, delay(withinMs, undefined, { ref: false })]);
    this.#isClosed = true;
    if (this.#waiting.length > 0) {
      this.#parts.log.error(
        { events: this.#waiting.length },
        'Lost webhook events because the store has not accepted them in time.',
      );
    }
    for (const { done } of this.#waiting.splice(0)) done();
  }

  async #run(): Promise<void> {
    // Collect all events of this turn of the event loop into one write.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      await this.#write(sourceOf(batch));
      for (const { done } of batch) done();
    }
    this.#running = undefined;
  }

  /** Takes the next events that are ready as one batch, or else a single function. */
  #nextBatch(): Waiting[] {
    const looks = this.#waiting.findIndex(({ source }) => typeof source === 'function');
    const ready = looks === -1 ? this.#waiting.length : looks;
    return this.#waiting.splice(0, Math.max(1, Math.min(ready, BATCH)));
  }

  async #write(source: EventSource): Promise<void> {
    const { outbox, owner, bound, log, written, dropped, againMs = 250 } = this.#parts;
    for (let looks = 1; !this.#isClosed; ) {
      try {
        const events = typeof source === 'function' ? await source() : source;
        if (events.length === 0) return;
        const result = await outbox.put(events, owner, bound);
        this.#isStuck = false;
        this.#sayWhetherFull(result.dropped.size > 0);
        for (const [target, count] of result.dropped) dropped(count, target);
        if (result.put > 0) written();
        return;
      } catch (error) {
        if (error instanceof StoreError && error.code === 'unavailable') {
          if (!this.#isStuck) log.warn({ err: error }, 'The store does not answer; webhook events wait for it.');
          this.#isStuck = true;
          await delay(againMs);
        } else if (error instanceof StoreError && error.code === 'stale' && looks < LOOKS) {
          looks += 1;
        } else {
          log.error({ err: error }, 'Lost webhook events because they could not be written to the store.');
          dropped(1);
          return;
        }
      }
    }
  }

  /** Logs once when the queue becomes too full. */
  #sayWhetherFull(isFull: boolean): void {
    const { log, bound } = this.#parts;
    if (isFull && !this.#isFull) log.error({ bound }, 'Dropping the oldest webhook events because too many wait.');
    this.#isFull = isFull;
  }

  #makeRoom(): void {
    const surplus = this.#waiting.length - this.#parts.bound;
    if (surplus <= 0) return;
    this.#sayWhetherFull(true);
    for (const { done } of this.#waiting.splice(0, surplus)) done();
    this.#parts.dropped(surplus);
  }
}

function sourceOf(batch: readonly Waiting[]): EventSource {
  const [first] = batch;
  if (first && typeof first.source === 'function') return first.source;
  return batch.flatMap(({ source }) => (typeof source === 'function' ? [] : source));
}

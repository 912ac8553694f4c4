import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceId } from '../../shared/identity.ts';
import type { Logger } from '../../shared/logging.ts';
import { StoreError } from '../../store/store.ts';
import type { OutboxEvent, WebhookOutbox } from '../../store/webhook-outbox.ts';

/** Events that are ready, or that depend on what has been told before. */
export type EventSource = readonly OutboxEvent[] | (() => Promise<readonly OutboxEvent[]>);

export interface EventWriterParts {
  readonly outbox: Pick<WebhookOutbox, 'put'>;
  readonly owner: InstanceId;
  /** The most that may wait for one target in the outbox, and here for the outbox. */
  readonly bound: number;
  readonly log: Logger;
  /** Something is there to be delivered. */
  readonly written: () => void;
  /** So many events are lost to a target, or, without one, to all of them. */
  readonly dropped: (count: number, target?: string) => void;
  /** Before a store that does not answer is tried again, ms. Default 250. */
  readonly againMs?: number;
}

interface Waiting {
  readonly source: EventSource;
  readonly done: () => void;
}

/** Events that are put in one transaction, at most. */
const BATCH = 100;
/** How often it is looked anew at what has been told, as it has changed between the look and the writing. */
const LOOKS = 10;

/**
 * Writes events into the outbox, one after the other, behind the backs of those who make them: nobody waits for the store. While
 * it does not answer they wait here, in order, the oldest making room when there are too many.
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

  /** How many wait. */
  get size(): number {
    return this.#waiting.length;
  }

  add(source: EventSource): void {
    void this.written(source);
  }

  /** Resolves when it is in the outbox, or given up. */
  written(source: EventSource): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ source, done });
      this.#makeRoom();
      this.#running ??= this.#run();
    });
  }

  /** Writes what waits, for at most `withinMs`, and nothing after that. */
  async close(withinMs: number): Promise<void> {
    await Promise.race([this.#running, delay(withinMs, undefined, { ref: false })]);
    this.#isClosed = true;
    if (this.#waiting.length > 0) {
      this.#parts.log.error(
        { events: this.#waiting.length },
        'Webhooks: the store has not taken these, they are lost.',
      );
    }
    for (const { done } of this.#waiting.splice(0)) done();
  }

  async #run(): Promise<void> {
    // What is told in the same turn is written together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      await this.#write(sourceOf(batch));
      for (const { done } of batch) done();
    }
    this.#running = undefined;
  }

  /** What needs no look is taken together, as far as it is behind each other. */
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
          if (!this.#isStuck) log.warn({ err: error }, 'Webhooks: the store does not answer; events wait for it.');
          this.#isStuck = true;
          await delay(againMs);
        } else if (error instanceof StoreError && error.code === 'stale' && looks < LOOKS) {
          looks += 1;
        } else {
          log.error({ err: error }, 'Webhooks: events could not be written down, they are lost.');
          dropped(1);
          return;
        }
      }
    }
  }

  /** Said once for as long as it lasts. */
  #sayWhetherFull(isFull: boolean): void {
    const { log, bound } = this.#parts;
    if (isFull && !this.#isFull) log.error({ bound }, 'Webhooks: too many events wait, the oldest are dropped.');
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

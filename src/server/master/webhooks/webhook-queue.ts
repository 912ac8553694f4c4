import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceId } from '../../shared/identity.ts';
import type { Logger } from '../../shared/logging.ts';
import { StoreError } from '../../store/store.ts';
import type { Delivery, DeliverySeq, WebhookOutbox } from '../../store/webhook-outbox.ts';
import type { Sender } from './webhook-sender.ts';
import type { WebhookSettings } from './webhook-settings.ts';

export interface WebhookQueueParts {
  readonly target: string;
  /** The target for logs, without secrets. */
  readonly label: string;
  readonly owner: InstanceId;
  readonly outbox: Pick<WebhookOutbox, 'next' | 'remove'>;
  readonly sender: Sender;
  readonly settings: Pick<WebhookSettings, 'tries' | 'deadlineMs'>;
  readonly log: Logger;
  readonly tried: (outcome: 'sent' | 'failed' | 'dropped') => void;
  /** Delay after the first failed try, ms; doubled after each further one. Default 1000. */
  readonly backoffMs?: number;
  /** How often the outbox is checked even without a call of `wake()`, ms. Default 500. */
  readonly lookMs?: number;
  /** Returns 0 to 1. Default: `Math.random`. */
  readonly random?: () => number;
}

/** The longest delay, unless the receiver asks for a longer one. */
const BACKOFF_CAP_MS = 30_000;

/** An event that has been tried but not delivered. */
interface Tried {
  readonly seq: DeliverySeq;
  readonly since: number;
  readonly tries: number;
}

/**
 * Delivers the events for one target in order, one at a time: the next waits until one has arrived or is given up. Before each try it
 * asks the outbox which event is next, because another master may have claimed it meanwhile.
 */
export class WebhookQueue {
  readonly #parts: WebhookQueueParts;
  readonly #closed = new AbortController();
  #wake = new AbortController();
  #isTold = false;
  #tried: Tried | undefined;
  readonly #running: Promise<void>;

  constructor(parts: WebhookQueueParts) {
    this.#parts = parts;
    this.#running = this.#run();
  }

  /** Call this when the outbox may have something to deliver. */
  wake(): void {
    this.#isTold = true;
    this.#wake.abort();
  }

  /** Stops. Undelivered events stay in the outbox. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#parts.sender.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { outbox, owner, target, log } = this.#parts;
    while (!this.#closed.signal.aborted) {
      this.#isTold = false;
      try {
        const delivery = await outbox.next(owner, target);
        if (delivery) await this.#deliver(delivery);
        else await this.#idle();
      } catch (error) {
        // The store logs its own failures; retry until it answers.
        if (!(error instanceof StoreError))
          log.error({ err: error }, 'Failed to deliver webhook events; trying again.');
        await this.#pause(this.#lookMs);
      }
    }
  }

  get #lookMs(): number {
    return this.#parts.lookMs ?? 500;
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { sender, tried, log, label, settings } = this.#parts;
    const { seq, id, name } = delivery;
    const before = this.#tried?.seq === seq ? this.#tried : { seq, since: performance.now(), tries: 0 };
    const outcome = await sender.send(delivery);
    if (this.#closed.signal.aborted && outcome.kind === 'failed') return;
    if (outcome.kind === 'sent') {
      tried('sent');
      return this.#remove(seq);
    }
    tried('failed');
    const tries = before.tries + 1;
    const leftMs = settings.deadlineMs - (performance.now() - before.since);
    const seen = { target: label, event: name, id, tries, why: outcome.why };
    if (tries >= settings.tries || leftMs <= 0) {
      log.error(seen, 'Dropped a webhook event that could not be delivered.');
      tried('dropped');
      return this.#remove(seq);
    }
    log.warn(seen, 'Failed to deliver a webhook event; trying again.');
    this.#tried = { seq, since: before.since, tries };
    await this.#pause(Math.min(leftMs, Math.max(this.#backoffMs(tries), outcome.retryAfterMs ?? 0)));
  }

  /** Half of the delay is random, so that several masters don't return to a receiver at once. */
  #backoffMs(tries: number): number {
    const { backoffMs = 1_000, random = Math.random } = this.#parts;
    return Math.min(BACKOFF_CAP_MS, backoffMs * 2 ** (tries - 1)) * (0.5 + random() / 2);
  }

  /** Removes a delivered event. Nothing else can be sent until the store has done so, or this event would be sent twice. */
  async #remove(seq: DeliverySeq): Promise<void> {
    this.#tried = undefined;
    for (;;) {
      try {
        return await this.#parts.outbox.remove(seq);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        if (this.#closed.signal.aborted) return;
        await this.#pause(this.#lookMs);
      }
    }
  }

  async #idle(): Promise<void> {
    if (this.#isTold) return;
    this.#wake = new AbortController();
    await this.#pause(this.#lookMs, this.#wake.signal);
  }

  async #pause(ms: number, wake?: AbortSignal): Promise<void> {
    const { signal } = this.#closed;
    await delay(ms, undefined, { signal: wake ? AbortSignal.any([signal, wake]) : signal }).catch(() => {});
  }
}

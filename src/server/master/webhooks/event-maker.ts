import { createHash } from 'node:crypto';
import type { EventId, OpenSpan, OutboxEvent } from '../../store/webhook-outbox.ts';
import type { WebhookEvent, WebhookEventName } from './webhook-events.ts';

/** How an event is filed in the outbox. */
export type Terms = Pick<OutboxEvent, 'id' | 'subject' | 'series' | 'fence' | 'within' | 'begins' | 'ends' | 'isLast'>;

/** Makes events for the outbox, addressed to the targets that want them. */
export class EventMaker {
  readonly #targets: readonly string[];
  readonly #wanted: ReadonlySet<WebhookEventName> | undefined;

  /** `wanted`: default: all. */
  constructor(targets: readonly string[], wanted?: readonly WebhookEventName[]) {
    this.#targets = targets;
    this.#wanted = wanted && new Set(wanted);
  }

  /** Makes an event. An unwanted event is stored, too, without targets, because the outbox tracks what it begins or ends. */
  make(event: WebhookEvent, terms: Terms): OutboxEvent {
    const isWanted = this.#wanted?.has(event.event) ?? true;
    return { ...terms, name: event.event, body: JSON.stringify(event), targets: isWanted ? this.#targets : [] };
  }

  /** Makes an entry that is only tracked and never delivered. */
  silent(name: string, body: string, terms: Terms): OutboxEvent {
    return { ...terms, name, body, targets: [] };
  }
}

/** An id that depends only on the parts, so that every master makes the same one. */
export function eventId(...parts: readonly (string | number)[]): EventId {
  const digest = createHash('sha256').update(parts.join('\n')).digest('base64url');
  return `evt_${digest.slice(0, 24)}` as EventId;
}

/** The body of the event that began the span. */
export function beginningOf(span: OpenSpan): WebhookEvent {
  return JSON.parse(span.body) as WebhookEvent;
}

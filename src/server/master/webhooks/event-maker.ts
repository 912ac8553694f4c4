import { createHash } from 'node:crypto';
import type { EventId, OpenSpan, OutboxEvent } from '../../store/webhook-outbox.ts';
import type { WebhookEvent, WebhookEventName } from './webhook-events.ts';

/** What an event is put under, besides its body. */
export type Terms = Pick<OutboxEvent, 'id' | 'subject' | 'series' | 'fence' | 'within' | 'begins' | 'ends' | 'isLast'>;

/** Makes events as the outbox takes them, for those who want them. */
export class EventMaker {
  readonly #targets: readonly string[];
  readonly #wanted: ReadonlySet<WebhookEventName> | undefined;

  /** `wanted`: default all. */
  constructor(targets: readonly string[], wanted?: readonly WebhookEventName[]) {
    this.#targets = targets;
    this.#wanted = wanted && new Set(wanted);
  }

  /** One that nobody wants is put as well: what it begins or ends is kept account of. */
  make(event: WebhookEvent, terms: Terms): OutboxEvent {
    const isWanted = this.#wanted?.has(event.event) ?? true;
    return { ...terms, name: event.event, body: JSON.stringify(event), targets: isWanted ? this.#targets : [] };
  }

  /** Something to keep account of that nobody is told. */
  silent(name: string, body: string, terms: Terms): OutboxEvent {
    return { ...terms, name, body, targets: [] };
  }
}

/** The same for the same parts, whichever master makes it. */
export function eventId(...parts: readonly (string | number)[]): EventId {
  const digest = createHash('sha256').update(parts.join('\n')).digest('base64url');
  return `evt_${digest.slice(0, 24)}` as EventId;
}

/** The body of the event that told of a beginning. */
export function beginningOf(span: OpenSpan): WebhookEvent {
  return JSON.parse(span.body) as WebhookEvent;
}

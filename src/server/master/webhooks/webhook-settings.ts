import type { WebhookEventName } from './webhook-events.ts';

/** Where events are sent, and how. */
export interface WebhookSettings {
  /** URLs. Each gets every event, through its own queue. */
  readonly targets: readonly string[];
  /** Sent with each event. */
  readonly headers: readonly WebhookHeader[];
  /** The events to send. Default: all. */
  readonly events: readonly WebhookEventName[] | undefined;
  /** Signs each delivery. Default: no signature. */
  readonly secret: string | undefined;
  /** How often an event is tried before it is dropped. */
  readonly tries: number;
  /** How long after its first try an event is dropped, ms. */
  readonly deadlineMs: number;
  /** Timeout of one call, ms. */
  readonly timeoutMs: number;
  /** How many events may wait for one target; the oldest are dropped first. */
  readonly queue: number;
}

export interface WebhookHeader {
  readonly name: string;
  readonly value: string;
}

export const WEBHOOK_DEFAULTS = {
  tries: 5,
  deadlineMs: 60_000,
  timeoutMs: 5_000,
  queue: 10_000,
} as const satisfies Partial<WebhookSettings>;

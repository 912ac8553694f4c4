import type { WebhookEventName } from './webhook-events.ts';

/** Where events are sent, and how. */
export interface WebhookSettings {
  /** Each gets every event, in a queue of its own. */
  readonly targets: readonly string[];
  /** Sent along with each event. */
  readonly headers: readonly WebhookHeader[];
  /** Default: all of them. */
  readonly events: readonly WebhookEventName[] | undefined;
  /** Signs each delivery. Default: none is signed. */
  readonly secret: string | undefined;
  /** How often one event is tried before it is dropped. */
  readonly tries: number;
  /** For how long one event is tried before it is dropped, ms, from its first try. */
  readonly deadlineMs: number;
  /** How long one call may take, ms. */
  readonly timeoutMs: number;
  /** The most events that may wait for one target: the oldest make room. */
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

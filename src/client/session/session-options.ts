import type { RetryPolicy } from '../signaling/backoff.ts';
import type { Connection } from './connection.ts';

export interface SessionOptions {
  /** When to try again after a loss. */
  readonly retry?: RetryPolicy;
  /** Balancers to try in turn, e.g. `["wss://a.example", "wss://b.example"]`; default: the token's. */
  readonly urls?: readonly string[];
  /** How long `connect()` tries, ms; default 15 000. */
  readonly connectTimeoutMs?: number;
}

export interface SignalOptions {
  readonly type?: string;
  readonly data?: string;
  /** Default: everyone, the sender among them. */
  readonly to?: readonly Connection[];
}

/** What this client may do, by its role. */
export interface Capabilities {
  readonly subscribe: boolean;
  readonly publish: boolean;
  readonly forceUnpublish: boolean;
  readonly forceDisconnect: boolean;
}

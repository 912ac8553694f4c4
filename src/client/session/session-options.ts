import type { RetryPolicy } from '../signaling/backoff.ts';
import type { Connection } from './connection.ts';

/** How a session gets in and stays in. */
export interface SessionOptions {
  /** When to try again after a loss. */
  readonly retry?: RetryPolicy;
  /**
   * Balancers to try in turn, e.g. `["wss://a.example", "wss://b.example/video"]`, each with the path under which a proxy serves
   * it, if there is one; default: the token's.
   */
  readonly urls?: readonly string[];
  /**
   * How long `connect()` tries, and how long one call of the token function may take, ms; default 15 000. `connect()` tries for as long
   * once more when it has reached a server over a link that is slow, and is waiting for the answer.
   */
  readonly connectTimeoutMs?: number;
}

/** A message. */
export interface SignalOptions {
  /** At most 256 characters. Listeners of `signal:TYPE` hear it, and those of `signal`; default: only those of `signal`. */
  readonly type?: string;
  /** Text, at most about 60 KB. */
  readonly data?: string;
  /** Default: everyone, the sender among them. */
  readonly to?: readonly Connection[];
}

/** What this client may do, by its role. */
export interface Capabilities {
  /** Everyone. */
  readonly subscribe: boolean;
  /** `PUBLISHER` and `MODERATOR`. */
  readonly publish: boolean;
  /** `MODERATOR`. */
  readonly forceUnpublish: boolean;
  /** `MODERATOR`. */
  readonly forceDisconnect: boolean;
}

import type { RetryPolicy } from '../signaling/backoff.ts';
import type { Connection } from './connection.ts';

/** Options of a session. */
export interface SessionOptions {
  /** When to try again after a loss. */
  readonly retry?: RetryPolicy;
  /**
   * Balancers to try in turn, e.g. `["wss://a.example", "wss://b.example/video"]`; add the path if a proxy serves a
   * balancer below one. Default: the URL of the token.
   */
  readonly urls?: readonly string[];
  /**
   * How long `connect()` tries, and how long one call of the token function may take, ms; default 15 000. `connect()`
   * doubles the time if it has reached a server over a slow link and waits for the answer.
   */
  readonly connectTimeoutMs?: number;
}

/** A signal to send. */
export interface SignalOptions {
  /** At most 256 characters. Listeners of `signal:TYPE` and of `signal` receive it; default: only those of `signal`. */
  readonly type?: string;
  /** Text, at most about 60 KB. */
  readonly data?: string;
  /** Default: all participants, the sender included. */
  readonly to?: readonly Connection[];
}

/** The actions that this client's role allows. */
export interface Capabilities {
  /** All roles. */
  readonly subscribe: boolean;
  /** `PUBLISHER` and `MODERATOR`. */
  readonly publish: boolean;
  /** `MODERATOR`. */
  readonly forceUnpublish: boolean;
  /** `MODERATOR`. */
  readonly forceDisconnect: boolean;
}

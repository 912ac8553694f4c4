import { RejoinEvent } from './events.ts';
import type { Attempt } from './session/lifecycle-events.ts';
import type { Session } from './session/session.ts';
import type { SessionState } from './session/session-state.ts';

/**
 * `sessionDestroyed`: a node that served the session has crashed. `rebuilding` follows if there is a token function.
 */
export class SessionDestroyedEvent extends RejoinEvent<Session> {
  /** Always `nodeCrashed`. */
  readonly reason = 'nodeCrashed';

  /** @internal */
  constructor(target: Session) {
    super('sessionDestroyed', target);
  }
}

/** `state`: the session enters another state, or makes another attempt to join. */
export class StateEvent extends RejoinEvent<Session> {
  /** The present state. */
  readonly state: SessionState;
  /** While joining, for each attempt after the first: the previous failure, and the delay. */
  readonly progress: Attempt | undefined;

  /** @internal */
  constructor(target: Session, state: SessionState, progress?: Attempt) {
    super('state', target);
    this.state = state;
    this.progress = progress;
  }
}

/** `reconnecting` and `rebuilding`: one for every attempt, emitted before its delay. */
export class AttemptEvent extends RejoinEvent<Session> {
  /** The part that is recovering: the connection to the session, or its media. */
  readonly plane: 'signaling' | 'media';
  /** The cause, e.g. `socketClosed`, `nodeCrashed`, or the message of the previous attempt's error. */
  readonly cause: string;
  /** From 1. */
  readonly attempt: number;
  /** Time until the attempt, ms. */
  readonly nextDelayMs: number;

  /** @internal */
  constructor(
    type: 'reconnecting' | 'rebuilding',
    target: Session,
    detail: { plane: 'signaling' | 'media'; cause: string; attempt: number; nextDelayMs: number },
  ) {
    super(type, target);
    this.plane = detail.plane;
    this.cause = detail.cause;
    this.attempt = detail.attempt;
    this.nextDelayMs = detail.nextDelayMs;
  }
}

/**
 * How the SDK recovered: a new socket, new transports to another media node or to the same one, or a new life of the
 * session.
 */
export type RecoveryKind = 'resume' | 'mediaMoved' | 'mediaRenewed' | 'rebuild';

/** `reconnected` and `rebuilt`: the session works as before. */
export class RecoveredEvent extends RejoinEvent<Session> {
  /** Time since the SDK noticed the failure, ms. */
  readonly durationMs: number;
  /** How the SDK recovered. */
  readonly kind: RecoveryKind;

  /** @internal */
  constructor(type: 'reconnected' | 'rebuilt', target: Session, detail: { durationMs: number; kind: RecoveryKind }) {
    super(type, target);
    this.durationMs = detail.durationMs;
    this.kind = detail.kind;
  }
}

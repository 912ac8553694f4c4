import { RejoinEvent } from './events.ts';
import type { Attempt } from './session/lifecycle-events.ts';
import type { Session } from './session/session.ts';
import type { SessionState } from './session/session-state.ts';

/** `sessionDestroyed`: a node that served the session has crashed. With a token function, `rebuilding` follows. */
export class SessionDestroyedEvent extends RejoinEvent<Session> {
  /** Always `nodeCrashed`. */
  readonly reason = 'nodeCrashed';

  /** @internal */
  constructor(target: Session) {
    super('sessionDestroyed', target);
  }
}

/** `state`: the session has another state, or makes another attempt to join. */
export class StateEvent extends RejoinEvent<Session> {
  /** The state that it has now. */
  readonly state: SessionState;
  /** While it joins, of each attempt after the first: what failed, and when it is made. */
  readonly progress: Attempt | undefined;

  /** @internal */
  constructor(target: Session, state: SessionState, progress?: Attempt) {
    super('state', target);
    this.state = state;
    this.progress = progress;
  }
}

/** `reconnecting` and `rebuilding`: once for every attempt, before its wait. */
export class AttemptEvent extends RejoinEvent<Session> {
  /** What is on its way back: the connection to the session, or its media. */
  readonly plane: 'signaling' | 'media';
  /** What broke, e.g. `socketClosed`, `nodeCrashed`, or the message of the error that failed the attempt before. */
  readonly cause: string;
  /** From 1. */
  readonly attempt: number;
  /** How long until the attempt is made, ms. */
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
 * How it was got over: a new socket, new transports to another media node or to the same one, or a new life of the session.
 */
export type RecoveryKind = 'resume' | 'mediaMoved' | 'mediaRenewed' | 'rebuild';

/** `reconnected` and `rebuilt`: all is as before. */
export class RecoveredEvent extends RejoinEvent<Session> {
  /** Since the first word of the trouble, ms. */
  readonly durationMs: number;
  /** How it was got over. */
  readonly kind: RecoveryKind;

  /** @internal */
  constructor(type: 'reconnected' | 'rebuilt', target: Session, detail: { durationMs: number; kind: RecoveryKind }) {
    super(type, target);
    this.durationMs = detail.durationMs;
    this.kind = detail.kind;
  }
}

import type { LeaveReason, StreamEndReason } from '../protocol/model.ts';
import type { StreamManager } from './media/stream-manager.ts';
import type { Connection } from './session/connection.ts';
import type { Session } from './session/session.ts';
import type { Stream } from './session/stream.ts';

/** What every listener gets. */
export class RejoinEvent<Target = unknown> {
  readonly type: string;
  readonly target: Target;
  readonly cancelable: boolean;
  #prevented = false;

  constructor(type: string, target: Target, cancelable = false) {
    this.type = type;
    this.target = target;
    this.cancelable = cancelable;
  }

  /** Keeps the default action from happening, where there is one: see the event's description. */
  preventDefault(): void {
    if (this.cancelable) this.#prevented = true;
  }

  isDefaultPrevented(): boolean {
    return this.#prevented;
  }
}

/** `connectionCreated`, `connectionDestroyed`: somebody, or this client itself, has joined or left. */
export class ConnectionEvent extends RejoinEvent<Session> {
  readonly connection: Connection;
  /** For `connectionDestroyed`. */
  readonly reason: LeaveReason | undefined;

  constructor(type: string, target: Session, connection: Connection, reason?: LeaveReason) {
    super(type, target);
    this.connection = connection;
    this.reason = reason;
  }
}

/** `connectionPresence`: a remote participant is reconnecting (`away`) or back (`here`). */
export class ConnectionPresenceEvent extends RejoinEvent<Session> {
  readonly connection: Connection;
  readonly presence: 'here' | 'away';

  constructor(target: Session, connection: Connection, presence: 'here' | 'away') {
    super('connectionPresence', target);
    this.connection = connection;
    this.presence = presence;
  }
}

/**
 * `streamCreated`, `streamDestroyed`. Default action of the latter: the stream's media stops and the videos that the
 * SDK made for it are removed.
 */
export class StreamEvent<Target = Session | StreamManager> extends RejoinEvent<Target> {
  readonly stream: Stream;
  /** For `streamDestroyed`. */
  readonly reason: StreamEndReason | undefined;

  constructor(type: string, target: Target, stream: Stream, reason?: StreamEndReason) {
    super(type, target, type === 'streamDestroyed');
    this.stream = stream;
    this.reason = reason;
  }
}

/** `streamPropertyChanged`: a publisher has muted or unmuted. */
export class StreamPropertyChangedEvent<Target = Session | StreamManager> extends RejoinEvent<Target> {
  readonly stream: Stream;
  readonly changedProperty: 'audioActive' | 'videoActive';
  readonly newValue: boolean;
  readonly oldValue: boolean;
  readonly reason: 'publishAudio' | 'publishVideo';

  constructor(
    target: Target,
    stream: Stream,
    changedProperty: 'audioActive' | 'videoActive',
    newValue: boolean,
    oldValue: boolean,
  ) {
    super('streamPropertyChanged', target);
    this.stream = stream;
    this.changedProperty = changedProperty;
    this.newValue = newValue;
    this.oldValue = oldValue;
    this.reason = changedProperty === 'audioActive' ? 'publishAudio' : 'publishVideo';
  }
}

/** `signal` and `signal:TYPE`. */
export class SignalEvent extends RejoinEvent<Session> {
  /** Text as it was sent. */
  readonly data: string | undefined;
  /** Undefined when the server's REST API has sent it. */
  readonly from: Connection | undefined;

  constructor(type: string, target: Session, data: string | undefined, from: Connection | undefined) {
    super(type, target);
    this.data = data;
    this.from = from;
  }
}

/**
 * `sessionDisconnected`: it is over for this client, told once. Default action: remote videos that the SDK made are
 * removed.
 */
export class SessionDisconnectedEvent extends RejoinEvent<Session> {
  readonly reason: LeaveReason;
  /** What ended it, where that was an error: the server's refusal, the token function's, or the time that is over. */
  readonly cause: Error | undefined;

  constructor(target: Session, reason: LeaveReason, cause?: Error) {
    super('sessionDisconnected', target, true);
    this.reason = reason;
    this.cause = cause;
  }
}

/** `sessionDestroyed`: a node that served the session has crashed. With a token source, `rebuilding` follows. */
export class SessionDestroyedEvent extends RejoinEvent<Session> {
  readonly reason = 'nodeCrashed';

  constructor(target: Session) {
    super('sessionDestroyed', target);
  }
}

/** `reconnecting` and `rebuilding`: once for every attempt, before its wait. */
export class AttemptEvent extends RejoinEvent<Session> {
  readonly plane: 'signaling' | 'media';
  /** What broke, e.g. `socketClosed`, `nodeCrashed`, or the message of the error that failed the attempt before. */
  readonly cause: string;
  /** From 1. */
  readonly attempt: number;
  readonly nextDelayMs: number;

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

/** How it was got over: a new socket, new transports to another media node, or a new life of the session. */
export type RecoveryKind = 'resume' | 'mediaMoved' | 'rebuild';

/** `reconnected` and `rebuilt`: all is as before. */
export class RecoveredEvent extends RejoinEvent<Session> {
  /** Since the first word of the trouble. */
  readonly durationMs: number;
  readonly kind: RecoveryKind;

  constructor(type: 'reconnected' | 'rebuilt', target: Session, detail: { durationMs: number; kind: RecoveryKind }) {
    super(type, target);
    this.durationMs = detail.durationMs;
    this.kind = detail.kind;
  }
}

/** `exception`: something went wrong that no promise could tell. */
export class ExceptionEvent extends RejoinEvent<Session> {
  readonly name: string;
  readonly origin: Session | Stream;
  readonly message: string;
  readonly data: unknown;

  constructor(target: Session, detail: { name: string; origin: Session | Stream; message: string; data?: unknown }) {
    super('exception', target);
    this.name = detail.name;
    this.origin = detail.origin;
    this.message = detail.message;
    this.data = detail.data;
  }
}

/** `streamPlaying`, `accessAllowed`, `accessDenied` …: about a publisher or subscriber itself. */
export class StreamManagerEvent extends RejoinEvent<StreamManager> {
  readonly value: unknown;

  constructor(type: string, target: StreamManager, value?: unknown) {
    super(type, target);
    this.value = value;
  }
}

/** `videoElementCreated`, `videoElementDestroyed`. */
export class VideoElementEvent extends RejoinEvent<StreamManager> {
  readonly element: HTMLVideoElement;

  constructor(type: 'videoElementCreated' | 'videoElementDestroyed', target: StreamManager, element: HTMLVideoElement) {
    super(type, target);
    this.element = element;
  }
}

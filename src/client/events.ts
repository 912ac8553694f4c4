import type { LeaveReason, MediaKind, NetworkQuality, Role, StreamEndReason } from '../protocol/model.ts';
import type { ExceptionEventName, RejoinError } from './errors.ts';
import type { StreamManager } from './media/stream-manager.ts';
import type { Subscriber } from './media/subscriber.ts';
import type { Connection } from './session/connection.ts';
import type { Session } from './session/session.ts';
import type { Stream, VideoDimensions } from './session/stream.ts';

/** Why somebody has left; empty where nobody has. */
export type ConnectionEventReason = LeaveReason | '';
/** Why a stream has ended; empty where none has. */
export type StreamEventReason = StreamEndReason | '';

/** What every listener gets. */
export class RejoinEvent<Target = unknown> {
  /** The event's name. */
  readonly type: string;
  /** The session, publisher or subscriber that tells it. */
  readonly target: Target;
  /** Whether it has a default action that `preventDefault()` keeps from happening. */
  readonly cancelable: boolean;
  /** As `isDefaultPrevented()`. Not private: events, too, may be kept in reactive state. */
  hasBeenPrevented = false;

  /** @internal */
  constructor(type: string, target: Target, cancelable = false) {
    this.type = type;
    this.target = target;
    this.cancelable = cancelable;
  }

  /** Keeps the default action from happening, where there is one: see the event's description. */
  preventDefault(): void {
    if (this.cancelable) this.hasBeenPrevented = true;
  }

  /** Whether `preventDefault()` has been called, and there is something to prevent. */
  isDefaultPrevented(): boolean {
    return this.hasBeenPrevented;
  }
}

/** `connectionCreated`, `connectionDestroyed`: somebody, or this client itself, has joined or left. */
export class ConnectionEvent extends RejoinEvent<Session> {
  /** Who. */
  readonly connection: Connection;
  /** For `connectionDestroyed`; otherwise empty. */
  readonly reason: ConnectionEventReason;

  /** @internal */
  constructor(type: string, target: Session, connection: Connection, reason: ConnectionEventReason = '') {
    super(type, target);
    this.connection = connection;
    this.reason = reason;
  }
}

/** `connectionPresence`: a remote participant is reconnecting (`away`) or back (`here`). */
export class ConnectionPresenceEvent extends RejoinEvent<Session> {
  /** Who. */
  readonly connection: Connection;
  /** How it is now. */
  readonly presence: 'here' | 'away';

  /** @internal */
  constructor(target: Session, connection: Connection, presence: 'here' | 'away') {
    super('connectionPresence', target);
    this.connection = connection;
    this.presence = presence;
  }
}

/** `connectionPropertyChanged`: the server has changed a property of this client's own connection. */
export class ConnectionPropertyChangedEvent extends RejoinEvent<Session> {
  /** This client's own. */
  readonly connection: Connection;
  /** `role`. */
  readonly changedProperty: string;
  /** A role. */
  readonly newValue: Role | boolean;
  /** A role. */
  readonly oldValue: Role | boolean;

  /** @internal */
  constructor(target: Session, connection: Connection, newValue: Role, oldValue: Role) {
    super('connectionPropertyChanged', target);
    this.connection = connection;
    this.changedProperty = 'role';
    this.newValue = newValue;
    this.oldValue = oldValue;
  }
}

/** `networkQualityLevelChanged`: somebody's network, or this client's own, does better or worse than before. */
export class NetworkQualityLevelChangedEvent extends RejoinEvent<Session> {
  /** 0 is broken, 5 is excellent. */
  readonly newValue: NetworkQuality;
  /** 0 also as long as nothing had been measured. */
  readonly oldValue: NetworkQuality;
  /** Whose. */
  readonly connection: Connection;

  /** @internal */
  constructor(target: Session, newValue: NetworkQuality, oldValue: NetworkQuality, connection: Connection) {
    super('networkQualityLevelChanged', target);
    this.newValue = newValue;
    this.oldValue = oldValue;
    this.connection = connection;
  }
}

/**
 * `streamCreated`, `streamDestroyed`. Default action of the latter: the stream's media stops and the videos that the
 * SDK made for it are removed.
 */
export class StreamEvent<Target = Session | StreamManager> extends RejoinEvent<Target> {
  /** What has begun or ended. */
  readonly stream: Stream;
  /** For `streamDestroyed`; otherwise empty. */
  readonly reason: StreamEventReason;

  /** @internal */
  constructor(type: string, target: Target, stream: Stream, reason: StreamEventReason = '') {
    super(type, target, type === 'streamDestroyed');
    this.stream = stream;
    this.reason = reason;
  }
}

/** A property of a stream that can change. `filter` is OpenVidu's, and never changes. */
export type ChangedPropertyType =
  | 'audioActive'
  | 'videoActive'
  | 'audioTrack'
  | 'videoTrack'
  | 'videoDimensions'
  | 'filter';
/** What a stream's publisher has done. The last three are OpenVidu's, of filters, and never told. */
export type StreamPropertyChangedEventReason =
  | 'publishAudio'
  | 'publishVideo'
  | 'trackReplaced'
  | 'deviceRotated'
  | 'screenResized'
  | 'applyFilter'
  | 'execFilterMethod'
  | 'removeFilter';
/**
 * `audioActive`, `videoActive`: a boolean. `videoDimensions`: pixels. Tracks: the browser's name of the publisher's new source,
 * over the same track in this page; or the track itself that plays in this page from now on.
 */
export type StreamPropertyValue =
  | boolean
  | VideoDimensions
  | MediaStreamTrack
  | {
      /** The browser's name of the source. */
      readonly label: string;
    };

/** What has changed of a stream, and by what. */
export interface StreamPropertyChange {
  /** What has changed. */
  readonly changedProperty: ChangedPropertyType;
  /** How it is now. */
  readonly newValue: StreamPropertyValue;
  /** How it was; `undefined` of the source of another's track. */
  readonly oldValue: StreamPropertyValue | undefined;
  /** By what. */
  readonly reason: StreamPropertyChangedEventReason;
}

/** @internal A microphone or camera that was muted or unmuted. */
export function activeChange(kind: MediaKind, active: boolean): StreamPropertyChange {
  return kind === 'audio'
    ? { changedProperty: 'audioActive', newValue: active, oldValue: !active, reason: 'publishAudio' }
    : { changedProperty: 'videoActive', newValue: active, oldValue: !active, reason: 'publishVideo' };
}

/**
 * `streamPropertyChanged`: a publisher has muted or unmuted, replaced a track, or its video has another size; or, after a crash
 * or a move of the media, `getMediaStream()` of what is received has another track, and `newValue` is that track: what the
 * application records or hears by itself goes on with it. Told to the session, and to the stream's publisher or subscriber.
 */
export class StreamPropertyChangedEvent<Target = Session | StreamManager>
  extends RejoinEvent<Target>
  implements StreamPropertyChange
{
  /** Whose property. */
  readonly stream: Stream;
  /** What has changed. */
  readonly changedProperty: ChangedPropertyType;
  /** How it is now. */
  readonly newValue: StreamPropertyValue;
  /** How it was; `undefined`, whatever its type says, of the source of another's track. */
  readonly oldValue: StreamPropertyValue;
  /** By what. */
  readonly reason: StreamPropertyChangedEventReason;

  /** @internal */
  constructor(target: Target, stream: Stream, change: StreamPropertyChange) {
    super('streamPropertyChanged', target);
    this.stream = stream;
    this.changedProperty = change.changedProperty;
    this.newValue = change.newValue;
    this.oldValue = change.oldValue as StreamPropertyValue;
    this.reason = change.reason;
  }
}

/** `publisherStartSpeaking`, `publisherStopSpeaking`: told to the session, and to the publisher or subscriber. */
export class PublisherSpeakingEvent<Target = Session | StreamManager> extends RejoinEvent<Target> {
  /** Who. */
  readonly connection: Connection;
  /** In which of its streams. */
  readonly streamId: string;

  /** @internal */
  constructor(
    type: 'publisherStartSpeaking' | 'publisherStopSpeaking',
    target: Target,
    connection: Connection,
    streamId: string,
  ) {
    super(type, target);
    this.connection = connection;
    this.streamId = streamId;
  }
}

/** `signal` and `signal:TYPE`. */
export class SignalEvent extends RejoinEvent<Session> {
  /** Text as it was sent; empty if there was none. */
  readonly data: string;
  /** Undefined when the server's REST API has sent it. */
  readonly from: Connection | undefined;

  /** @internal */
  constructor(type: string, target: Session, data: string | undefined, from: Connection | undefined) {
    super(type, target);
    this.data = data ?? '';
    this.from = from;
  }
}

/**
 * `sessionDisconnected`: it is over for this client, told once. Default action: remote videos that the SDK made are
 * removed.
 */
export class SessionDisconnectedEvent extends RejoinEvent<Session> {
  /** Why. */
  readonly reason: ConnectionEventReason;
  /** What ended it, where that was an error: the server's refusal, the token function's, or the time that is over. */
  readonly cause: Error | undefined;

  /** @internal */
  constructor(target: Session, reason: LeaveReason, cause?: Error) {
    super('sessionDisconnected', target, true);
    this.reason = reason;
    this.cause = cause;
  }
}

/** `exception`: something went wrong that no promise could tell. */
export class ExceptionEvent extends RejoinEvent<Session> {
  /** What: one of {@link ExceptionEventName}. */
  readonly name: ExceptionEventName;
  /** Where. */
  readonly origin: Session | Stream | Subscriber;
  /** What happened, and what to do about it. */
  readonly message: string;
  /** What more there is to say, e.g. the error. */
  readonly data: unknown;

  /** @internal */
  constructor(
    target: Session,
    detail: { name: ExceptionEventName; origin: Session | Stream | Subscriber; message: string; data?: unknown },
  ) {
    super('exception', target);
    this.name = detail.name;
    this.origin = detail.origin;
    this.message = detail.message;
    this.data = detail.data;
  }
}

/** `streamPlaying`, `accessAllowed`, `streamAudioVolumeChange` …: about a publisher or subscriber itself. */
export class StreamManagerEvent extends RejoinEvent<StreamManager> {
  /** What the event says besides that it has happened: see its description. */
  readonly value: unknown;

  /** @internal */
  constructor(type: string, target: StreamManager, value?: unknown) {
    super(type, target);
    this.value = value;
  }
}

/** `accessDenied`: the sources of a publisher cannot be opened. Has the error's name and message, as OpenVidu's listeners expect. */
export class AccessDeniedEvent extends StreamManagerEvent {
  /** The error's. */
  readonly name: RejoinError['name'];
  /** The error's. */
  readonly message: string;
  /** Why. */
  declare readonly value: RejoinError;

  /** @internal */
  constructor(target: StreamManager, error: RejoinError) {
    super('accessDenied', target, error);
    this.name = error.name;
    this.message = error.message;
  }
}

/** `videoElementCreated`, `videoElementDestroyed`. */
export class VideoElementEvent extends RejoinEvent<StreamManager> {
  /** The video. */
  readonly element: HTMLVideoElement;

  /** @internal */
  constructor(type: 'videoElementCreated' | 'videoElementDestroyed', target: StreamManager, element: HTMLVideoElement) {
    super(type, target);
    this.element = element;
  }
}

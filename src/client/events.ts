import type { LeaveReason, MediaKind, NetworkQuality, Role, StreamEndReason } from '../protocol/model.ts';
import type { ExceptionEventName, RejoinError } from './errors.ts';
import type { StreamManager } from './media/stream-manager.ts';
import type { Subscriber } from './media/subscriber.ts';
import type { Connection } from './session/connection.ts';
import type { Session } from './session/session.ts';
import type { Stream, VideoDimensions } from './session/stream.ts';

/** Why a participant has left; empty in other events. */
export type ConnectionEventReason = LeaveReason | '';
/** Why a stream has ended; empty in other events. */
export type StreamEventReason = StreamEndReason | '';

/** Every listener gets an event of this class. */
export class RejoinEvent<Target = unknown> {
  /** The event's name. */
  readonly type: string;
  /** The session, publisher or subscriber that emits the event. */
  readonly target: Target;
  /** Whether the event has a default action, which `preventDefault()` prevents. */
  readonly cancelable: boolean;
  /**
   * As `isDefaultPrevented()`. Public because applications may keep events in reactive state, whose proxies cannot
   * read private members.
   */
  hasBeenPrevented = false;

  /** @internal */
  constructor(type: string, target: Target, cancelable = false) {
    this.type = type;
    this.target = target;
    this.cancelable = cancelable;
  }

  /** Prevents the default action, if there is one: see the event's description. */
  preventDefault(): void {
    if (this.cancelable) this.hasBeenPrevented = true;
  }

  /** Whether `preventDefault()` was called on an event with a default action. */
  isDefaultPrevented(): boolean {
    return this.hasBeenPrevented;
  }
}

/** `connectionCreated`, `connectionDestroyed`: a participant, possibly this client, has joined or left. */
export class ConnectionEvent extends RejoinEvent<Session> {
  /** The participant's connection. */
  readonly connection: Connection;
  /** Of `connectionDestroyed`; otherwise empty. */
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
  /** The participant's connection. */
  readonly connection: Connection;
  /** The present state. */
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
  /** This client's own connection. */
  readonly connection: Connection;
  /** Always `role`. */
  readonly changedProperty: string;
  /** The new role. */
  readonly newValue: Role | boolean;
  /** The former role. */
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

/** `networkQualityLevelChanged`: the network of a participant, possibly this client, has become better or worse. */
export class NetworkQualityLevelChangedEvent extends RejoinEvent<Session> {
  /** 0 is broken, 5 is excellent. */
  readonly newValue: NetworkQuality;
  /** Also 0 if nothing had been measured yet. */
  readonly oldValue: NetworkQuality;
  /** The participant's connection. */
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
 * `streamCreated`, `streamDestroyed`. Default action of the latter: the SDK stops the stream's media and removes its
 * own videos of the stream.
 */
export class StreamEvent<Target = Session | StreamManager> extends RejoinEvent<Target> {
  /** The new or ended stream. */
  readonly stream: Stream;
  /** Of `streamDestroyed`; otherwise empty. */
  readonly reason: StreamEventReason;

  /** @internal */
  constructor(type: string, target: Target, stream: Stream, reason: StreamEventReason = '') {
    super(type, target, type === 'streamDestroyed');
    this.stream = stream;
    this.reason = reason;
  }
}

/** A property of a stream that can change. `filter` is OpenVidu's, and never used. */
export type ChangedPropertyType =
  | 'audioActive'
  | 'videoActive'
  | 'audioTrack'
  | 'videoTrack'
  | 'videoDimensions'
  | 'filter';
/** The publisher's action. The last three are OpenVidu's, for filters, and never used. */
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
 * `audioActive`, `videoActive`: a boolean. `videoDimensions`: pixels. Tracks: `{ label }` if the publisher has a new
 * source and this page keeps its track; otherwise the track that plays in this page from now on.
 */
export type StreamPropertyValue =
  | boolean
  | VideoDimensions
  | MediaStreamTrack
  | {
      /** The browser's name of the source. */
      readonly label: string;
    };

/** The change of a property of a stream. */
export interface StreamPropertyChange {
  /** The name of the property. */
  readonly changedProperty: ChangedPropertyType;
  /** The present value. */
  readonly newValue: StreamPropertyValue;
  /** The former value; `undefined` for the source of a remote track. */
  readonly oldValue: StreamPropertyValue | undefined;
  /** The cause of the change. */
  readonly reason: StreamPropertyChangedEventReason;
}

/** @internal The change when a microphone or camera is muted or unmuted. */
export function activeChange(kind: MediaKind, active: boolean): StreamPropertyChange {
  return kind === 'audio'
    ? { changedProperty: 'audioActive', newValue: active, oldValue: !active, reason: 'publishAudio' }
    : { changedProperty: 'videoActive', newValue: active, oldValue: !active, reason: 'publishVideo' };
}

/**
 * `streamPropertyChanged`, emitted by the session and by the stream's publisher or subscriber, in two cases:
 * - A publisher has muted or unmuted or replaced a track, or its video has another size.
 * - After a crash or a move of the media, `getMediaStream()` of a receiver holds another track, which is `newValue`.
 *   An application that records or analyses the media itself must continue with that track.
 */
export class StreamPropertyChangedEvent<Target = Session | StreamManager>
  extends RejoinEvent<Target>
  implements StreamPropertyChange
{
  /** The stream of the property. */
  readonly stream: Stream;
  /** The name of the property. */
  readonly changedProperty: ChangedPropertyType;
  /** The present value. */
  readonly newValue: StreamPropertyValue;
  /** The former value; `undefined`, despite its type, for the source of a remote track. */
  readonly oldValue: StreamPropertyValue;
  /** The cause of the change. */
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

/** `publisherStartSpeaking`, `publisherStopSpeaking`: emitted by the session, and by the publisher or subscriber. */
export class PublisherSpeakingEvent<Target = Session | StreamManager> extends RejoinEvent<Target> {
  /** The speaker's connection. */
  readonly connection: Connection;
  /** The speaker's stream. */
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
  /** The sender's text; empty if there was none. */
  readonly data: string;
  /** The sender; undefined for a signal from the REST API. */
  readonly from: Connection | undefined;

  /** @internal */
  constructor(type: string, target: Session, data: string | undefined, from: Connection | undefined) {
    super(type, target);
    this.data = data ?? '';
    this.from = from;
  }
}

/**
 * `sessionDisconnected`: the session has ended for this client. Emitted once. Default action: the SDK removes its own
 * videos of remote streams.
 */
export class SessionDisconnectedEvent extends RejoinEvent<Session> {
  /** The reason. */
  readonly reason: ConnectionEventReason;
  /**
   * The error that ended the session, if any: a refusal by the server, a failure of the token function, or a
   * time-out.
   */
  readonly cause: Error | undefined;

  /** @internal */
  constructor(target: Session, reason: LeaveReason, cause?: Error) {
    super('sessionDisconnected', target, true);
    this.reason = reason;
    this.cause = cause;
  }
}

/** `exception`: a failure that no promise reports. */
export class ExceptionEvent extends RejoinEvent<Session> {
  /** An {@link ExceptionEventName}. */
  readonly name: ExceptionEventName;
  /** The object that is affected. */
  readonly origin: Session | Stream | Subscriber;
  /** The failure, and how to fix its cause. */
  readonly message: string;
  /** More details, e.g. the error. */
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
  /** The event's value: see its description. */
  readonly value: unknown;

  /** @internal */
  constructor(type: string, target: StreamManager, value?: unknown) {
    super(type, target);
    this.value = value;
  }
}

/**
 * `accessDenied`: the sources of a publisher cannot be opened. Repeats the error's name and message, as OpenVidu's
 * listeners expect.
 */
export class AccessDeniedEvent extends StreamManagerEvent {
  /** The error's name. */
  readonly name: RejoinError['name'];
  /** The error's message. */
  readonly message: string;
  /** The error. */
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

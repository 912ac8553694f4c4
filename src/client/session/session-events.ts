import type {
  ConnectionEvent,
  ConnectionPresenceEvent,
  ConnectionPropertyChangedEvent,
  ExceptionEvent,
  NetworkQualityLevelChangedEvent,
  PublisherSpeakingEvent,
  SessionDisconnectedEvent,
  SignalEvent,
  StreamEvent,
  StreamPropertyChangedEvent,
} from '../events.ts';
import type { RecordingEvent, SpeechToTextEvent } from '../openvidu/unsupported-events.ts';
import type { AttemptEvent, RecoveredEvent, SessionDestroyedEvent, StateEvent } from '../recovery-events.ts';
import type { Session } from './session.ts';

/** What a session tells, by the names for `on`, `once` and `off`. */
export interface SessionEvents {
  /** Somebody has joined: first this client itself, then those who are there, then those who come. */
  connectionCreated: ConnectionEvent;
  /** Somebody else has left; told after the end of its streams. */
  connectionDestroyed: ConnectionEvent;
  /** Somebody else is `away`, for more than two seconds, or `here` again. */
  connectionPresence: ConnectionPresenceEvent;
  /** The server has changed the role of this client. */
  connectionPropertyChanged: ConnectionPropertyChangedEvent;
  /** Somebody else publishes: the moment to subscribe. */
  streamCreated: StreamEvent<Session>;
  /** Somebody else publishes no longer. Default action: its media stops, and the videos that the SDK made for it go. */
  streamDestroyed: StreamEvent<Session>;
  /** Anybody's stream, this client's own among them, has been muted, unmuted, changed in size, or has another source. */
  streamPropertyChanged: StreamPropertyChangedEvent<Session>;
  /** Somebody speaks. */
  publisherStartSpeaking: PublisherSpeakingEvent<Session>;
  /** Somebody speaks no longer. */
  publisherStopSpeaking: PublisherSpeakingEvent<Session>;
  /** A message of any type has arrived. */
  signal: SignalEvent;
  /** A message of this type has arrived. */
  [signalOfType: `signal:${string}`]: SignalEvent;
  /** Somebody's network does better or worse. */
  networkQualityLevelChanged: NetworkQualityLevelChangedEvent;
  /** The session has another state; while it joins, also before each attempt after the first. */
  state: StateEvent;
  /** The socket is lost, or the media has moved; told before every attempt to get another. */
  reconnecting: AttemptEvent;
  /** All is as before. */
  reconnected: RecoveredEvent;
  /** A node that served the session has crashed. */
  sessionDestroyed: SessionDestroyedEvent;
  /** The session is being brought back; told before every attempt. */
  rebuilding: AttemptEvent;
  /** The session is back, with the same objects and elements, under new ids. */
  rebuilt: RecoveredEvent;
  /** It is over for this client, told once. Default action: the videos that the SDK made for others go. */
  sessionDisconnected: SessionDisconnectedEvent;
  /** Something went wrong that no promise could tell. */
  exception: ExceptionEvent;
  /** OpenVidu's; never told, as nothing is recorded. */
  recordingStarted: RecordingEvent;
  /** OpenVidu's; never told, as nothing is recorded. */
  recordingStopped: RecordingEvent;
  /** OpenVidu's; never told, as nothing is broadcast. */
  broadcastStarted: never;
  /** OpenVidu's; never told, as nothing is broadcast. */
  broadcastStopped: never;
  /** OpenVidu's; never told, as nothing is transcribed. */
  speechToTextMessage: SpeechToTextEvent;
}

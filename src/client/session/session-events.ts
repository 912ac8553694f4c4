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

/** Events of a session, by the names for `on`, `once` and `off`. */
export interface SessionEvents {
  /** A participant has joined: first this client, then the present participants, then later ones. */
  connectionCreated: ConnectionEvent;
  /** A remote participant has left; emitted after the end of its streams. */
  connectionDestroyed: ConnectionEvent;
  /** A remote participant has been `away` for more than two seconds, or is `here` again. */
  connectionPresence: ConnectionPresenceEvent;
  /** The server has changed the role of this client. */
  connectionPropertyChanged: ConnectionPropertyChangedEvent;
  /** A remote participant publishes a stream, to which the application can subscribe now. */
  streamCreated: StreamEvent<Session>;
  /** A remote stream has ended. Default action: the SDK stops its media and removes its own videos of the stream. */
  streamDestroyed: StreamEvent<Session>;
  /** A stream, possibly this client's own, was muted or unmuted, changed its size, or has another source. */
  streamPropertyChanged: StreamPropertyChangedEvent<Session>;
  /** A participant starts speaking. */
  publisherStartSpeaking: PublisherSpeakingEvent<Session>;
  /** A participant stops speaking. */
  publisherStopSpeaking: PublisherSpeakingEvent<Session>;
  /** A signal of any type has arrived. */
  signal: SignalEvent;
  /** A signal of this type has arrived. */
  [signalOfType: `signal:${string}`]: SignalEvent;
  /** The quality of a participant's network has changed. */
  networkQualityLevelChanged: NetworkQualityLevelChangedEvent;
  /** The session enters another state; while joining, also before each attempt after the first. */
  state: StateEvent;
  /** The socket is lost, or the media has moved; emitted before every attempt to recover. */
  reconnecting: AttemptEvent;
  /** The session works as before. */
  reconnected: RecoveredEvent;
  /** A node that served the session has crashed. */
  sessionDestroyed: SessionDestroyedEvent;
  /** The SDK rebuilds the session; emitted before every attempt. */
  rebuilding: AttemptEvent;
  /** The session is back, with the same objects and elements, under new ids. */
  rebuilt: RecoveredEvent;
  /**
   * The session has ended for this client. Emitted once. Default action: the SDK removes its own videos of remote
   * streams.
   */
  sessionDisconnected: SessionDisconnectedEvent;
  /** A failure that no promise reports. */
  exception: ExceptionEvent;
  /** OpenVidu's; never emitted, because nothing is recorded. */
  recordingStarted: RecordingEvent;
  /** OpenVidu's; never emitted, because nothing is recorded. */
  recordingStopped: RecordingEvent;
  /** OpenVidu's; never emitted, because nothing is broadcast. */
  broadcastStarted: never;
  /** OpenVidu's; never emitted, because nothing is broadcast. */
  broadcastStopped: never;
  /** OpenVidu's; never emitted, because nothing is transcribed. */
  speechToTextMessage: SpeechToTextEvent;
}

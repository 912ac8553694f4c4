/** The browser SDK's whole public surface: everything an application imports, and what the script tag's global holds. */
export { RejoinError, RejoinErrorName } from './errors.ts';
export {
  AttemptEvent,
  ConnectionEvent,
  ConnectionPresenceEvent,
  ExceptionEvent,
  RecoveredEvent,
  RejoinEvent,
  SessionDestroyedEvent,
  SessionDisconnectedEvent,
  SignalEvent,
  StreamEvent,
  StreamManagerEvent,
  StreamPropertyChangedEvent,
  VideoElementEvent,
} from './events.ts';
export { Publisher, type PublisherProperties } from './media/publisher.ts';
export { StreamManager, type StreamManagerEvents, type StreamManagerVideo } from './media/stream-manager.ts';
export { Subscriber, type SubscriberProperties } from './media/subscriber.ts';
export { VideoInsertMode, type VideoTarget } from './media/video-placement.ts';
export { type Device, Rejoin, Rejoin as OpenVidu } from './rejoin.ts';
export { Connection } from './session/connection.ts';
export { Session, type SessionEvents } from './session/session.ts';
export type { Capabilities, SessionOptions, SignalOptions } from './session/session-options.ts';
export type { SessionState } from './session/session-state.ts';
export { Stream } from './session/stream.ts';
export type { TokenProvider } from './session/token-source.ts';
export type { RetryPolicy } from './signaling/backoff.ts';

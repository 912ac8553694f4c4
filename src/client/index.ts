/** The browser SDK's public surface: the members of the script tag's global. Bundlers use `openvidu/index.ts`. */
export type { ConnectionId, StreamId } from '../protocol/ids.ts';
export type { LeaveReason, NetworkQuality, Role, StreamEndReason } from '../protocol/model.ts';
export type { OpenViduAdvancedConfiguration, PublisherSpeakingEventsOptions } from './advanced-configuration.ts';
export {
  ExceptionEventName,
  RejoinError,
  RejoinError as OpenViduError,
  RejoinErrorName,
  RejoinErrorName as OpenViduErrorName,
} from './errors.ts';
export {
  AccessDeniedEvent,
  type ChangedPropertyType,
  ConnectionEvent,
  type ConnectionEventReason,
  ConnectionPresenceEvent,
  ConnectionPropertyChangedEvent,
  ExceptionEvent,
  NetworkQualityLevelChangedEvent,
  PublisherSpeakingEvent,
  RejoinEvent,
  RejoinEvent as Event,
  SessionDisconnectedEvent,
  SignalEvent,
  StreamEvent,
  type StreamEventReason,
  StreamManagerEvent,
  type StreamPropertyChange,
  StreamPropertyChangedEvent,
  type StreamPropertyChangedEventReason,
  type StreamPropertyValue,
  VideoElementEvent,
} from './events.ts';
export type { MediaSources } from './media/devices.ts';
export { Publisher } from './media/publisher.ts';
export type { PublisherProperties } from './media/publisher-properties.ts';
export {
  StreamManager,
  type StreamManagerEvents,
  type StreamManagerEvents as PublisherEventMap,
  type StreamManagerEvents as StreamManagerEventMap,
  type StreamManagerVideo,
} from './media/stream-manager.ts';
export { Subscriber, type SubscriberProperties } from './media/subscriber.ts';
export { VideoInsertMode, type VideoTarget } from './media/video-placement.ts';
export { TypeOfVideo } from './openvidu/type-of-video.ts';
export {
  FilterEvent,
  RecordingEvent,
  type RecordingEventReason,
  SpeechToTextEvent,
  type SpeechToTextEventReason,
} from './openvidu/unsupported-events.ts';
export {
  AttemptEvent,
  RecoveredEvent,
  type RecoveryKind,
  SessionDestroyedEvent,
  StateEvent,
} from './recovery-events.ts';
export { type Device, type PublisherHandler, Rejoin, Rejoin as OpenVidu } from './rejoin.ts';
export { Connection } from './session/connection.ts';
export type { Attempt } from './session/lifecycle-events.ts';
export { type CompletionHandler, Session } from './session/session.ts';
export type { SessionEvents, SessionEvents as SessionEventMap } from './session/session-events.ts';
export type { Capabilities, SessionOptions, SignalOptions } from './session/session-options.ts';
export type { SessionState } from './session/session-state.ts';
export { Stream, type VideoDimensions } from './session/stream.ts';
export type { TokenProvider } from './session/token-source.ts';
export type { RetryPolicy } from './signaling/backoff.ts';
export { type Listener, TypedEmitter, TypedEmitter as EventDispatcher } from './typed-emitter.ts';

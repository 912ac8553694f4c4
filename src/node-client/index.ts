/**
 * The server SDK: sessions, connections and nodes of a cluster, for the servers of applications.
 *
 * @module rejoin/node-client
 */
export type { ApiOptions as OpenViduOptions, CallOptions } from './api.ts';
export { RejoinApiError, type RejoinApiErrorCode } from './api-error.ts';
export type { FailureReason } from './attempt.ts';
export type { Clock } from './clock.ts';
export { Connection } from './connection.ts';
export type { EffectiveConnectionProperties } from './connection-state.ts';
export type { Json } from './json.ts';
export type { MediaNode, MediaNodeDrainOptions, MediaNodes } from './media-nodes.ts';
export type { ClusterNode, DrainOptions, Nodes } from './nodes.ts';
export { OpenVidu, OpenVidu as Rejoin } from './openvidu.ts';
export {
  type ConnectionProperties,
  ConnectionType,
  FailoverPolicy,
  type IceServerProperties,
  type KurentoOptions,
  MediaMode,
  OpenViduRole,
  RecordingMode,
  type SessionProperties,
  type TokenOptions,
  VideoCodec,
} from './properties.ts';
export { Publisher } from './publisher.ts';
export type { RetryEvent, RetryPolicy } from './retry.ts';
export { Session, type SignalOptions } from './session.ts';

import type { types } from 'mediasoup-client';
import type { ConnectionId, StreamId, TypeOfVideo } from './ids.ts';
import type { MediaKind, MediaState, NetworkQuality, StreamChange, StreamInfo } from './model.ts';

type RtpCapabilities = types.RtpCapabilities;
type RtpParameters = types.RtpParameters;
type DtlsParameters = types.DtlsParameters;
type IceParameters = types.IceParameters;

/** The parameters for the client's end of a transport. */
export interface TransportInfo {
  readonly id: string;
  readonly iceParameters: IceParameters;
  readonly iceCandidates: types.IceCandidate[];
  readonly dtlsParameters: DtlsParameters;
}

export interface ConsumerInfo {
  readonly id: string;
  readonly producerId: string;
  readonly kind: MediaKind;
  readonly rtpParameters: RtpParameters;
}

/**
 * The requests of a client to its session's owner. `params` is the `data` of the request, `result` that of the answer. The client chooses the
 * names (`key`, signal `id`) of everything that a request creates, so that a retry creates nothing twice.
 */
export interface Methods {
  /**
   * Creates a transport to the session's media node, under a key chosen by the client. `rtpCapabilities`, for `recv`: what this client can
   * receive.
   */
  createTransport: {
    params: { key: string; direction: 'send' | 'recv'; rtpCapabilities?: RtpCapabilities };
    result: TransportInfo;
  };
  connectTransport: { params: { key: string; dtlsParameters: DtlsParameters }; result: Record<string, never> };
  /** Gets new ICE credentials for a transport whose network path has broken. */
  restartIce: { params: { key: string }; result: { iceParameters: IceParameters } };
  closeTransport: { params: { key: string }; result: Record<string, never> };
  /** A retry with the same key and transport has no effect. Over another transport, the stream switches to that one. */
  publish: { params: PublishParams; result: { stream: StreamInfo } };
  unpublish: { params: { streamId: StreamId }; result: Record<string, never> };
  /** Video consumers start paused. Call `resumeConsumers` when the client can play them. */
  subscribe: {
    params: { streamId: StreamId; transport: string };
    result: { stream: StreamInfo; consumers: ConsumerInfo[] };
  };
  resumeConsumers: { params: { streamId: StreamId }; result: Record<string, never> };
  unsubscribe: { params: { streamId: StreamId }; result: Record<string, never> };
  /** Mutes or unmutes the audio or video of an own stream. */
  setActive: { params: { streamId: StreamId; kind: MediaKind; active: boolean }; result: Record<string, never> };
  /** How many layers of an own video are sent now, counted from the smallest. Viewers get no others. */
  reportLayers: { params: { streamId: StreamId; layers: number }; result: Record<string, never> };
  /** Announces a change of an own stream. Clients that join later find it in the stream. */
  changeStream: { params: { streamId: StreamId; change: StreamChange }; result: Record<string, never> };
  /** The client's measurement of its own network. Every member is told of changes. */
  reportQuality: { params: { level: NetworkQuality }; result: Record<string, never> };
  /** Reports on the media at one location: the answer to `mediaDoubted`, or `shown` after `mediaMoved`. */
  reportMedia: { params: { mediaId: string; state: MediaState }; result: Record<string, never> };
  /** Evicts another participant. Requires role MODERATOR. */
  forceDisconnect: { params: { connectionId: ConnectionId }; result: Record<string, never> };
  /** Ends another participant's stream. Requires role MODERATOR. */
  forceUnpublish: { params: { streamId: StreamId }; result: Record<string, never> };
  /**
   * Sends a signal to the named connections, by default to everyone including the sender. The sender chooses `id` and `number` for
   * de-duplication: `number` rises with every signal but stays the same in a retry.
   */
  signal: {
    params: { id: string; number?: number; type?: string; data?: string; to?: ConnectionId[] };
    result: { recipients: number };
  };
  leave: { params: Record<string, never>; result: Record<string, never> };
}

export interface PublishParams {
  /** Four letters or digits, chosen by the client, which become part of the stream's id. */
  readonly key: string;
  /** Key of the send transport. */
  readonly transport: string;
  readonly producers: readonly { kind: MediaKind; rtpParameters: RtpParameters; active: boolean }[];
  readonly typeOfVideo?: TypeOfVideo;
  readonly frameRate?: number;
  readonly videoDimensions?: { width: number; height: number };
}

export type Method = keyof Methods;
export type Params<M extends Method> = Methods[M]['params'];
export type Result<M extends Method> = Methods[M]['result'];

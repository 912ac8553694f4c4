import type { types } from 'mediasoup-client';
import type { ConnectionId, StreamId, TypeOfVideo } from './ids.ts';
import type { MediaKind, MediaState, NetworkQuality, StreamChange, StreamInfo } from './model.ts';

type RtpCapabilities = types.RtpCapabilities;
type RtpParameters = types.RtpParameters;
type DtlsParameters = types.DtlsParameters;
type IceParameters = types.IceParameters;

/** What a client needs to make its end of a transport. */
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
 * The requests a client makes of its session's owner: `params` is the `data` of the request, `result` that of the
 * answer. Whatever a request makes is named by the client (`key`, signal `id`), so that sending it again makes nothing
 * twice.
 */
export interface Methods {
  /**
   * A transport to the session's media node, under a key of the client's choice. `rtpCapabilities`, for `recv`: what
   * this client can receive.
   */
  createTransport: {
    params: { key: string; direction: 'send' | 'recv'; rtpCapabilities?: RtpCapabilities };
    result: TransportInfo;
  };
  connectTransport: { params: { key: string; dtlsParameters: DtlsParameters }; result: Record<string, never> };
  /** New ICE credentials for a transport whose network path broke. */
  restartIce: { params: { key: string }; result: { iceParameters: IceParameters } };
  closeTransport: { params: { key: string }; result: Record<string, never> };
  /** Again with the same key and transport: nothing. Over another transport: the stream is sent over that one from now on. */
  publish: { params: PublishParams; result: { stream: StreamInfo } };
  unpublish: { params: { streamId: StreamId }; result: Record<string, never> };
  /** Video consumers start paused: `resumeConsumers` once the client can play them. */
  subscribe: {
    params: { streamId: StreamId; transport: string };
    result: { stream: StreamInfo; consumers: ConsumerInfo[] };
  };
  resumeConsumers: { params: { streamId: StreamId }; result: Record<string, never> };
  unsubscribe: { params: { streamId: StreamId }; result: Record<string, never> };
  /** Mutes or unmutes one kind of an own stream. */
  setActive: { params: { streamId: StreamId; kind: MediaKind; active: boolean }; result: Record<string, never> };
  /** So many layers of an own video are sent now, counted from the smallest: its viewers are given no other. */
  reportLayers: { params: { streamId: StreamId; layers: number }; result: Record<string, never> };
  /** Tells the others of a change of an own stream; those who come later find it in the stream. */
  changeStream: { params: { streamId: StreamId; change: StreamChange }; result: Record<string, never> };
  /** What this client has measured of its own network; everyone is told when it changes. */
  reportQuality: { params: { level: NetworkQuality }; result: Record<string, never> };
  /** A report about the session's media at one place: asked by `mediaDoubted`, or `shown` after `mediaMoved`. */
  reportMedia: { params: { mediaId: string; state: MediaState }; result: Record<string, never> };
  /** Puts another participant out. Only for a MODERATOR. */
  forceDisconnect: { params: { connectionId: ConnectionId }; result: Record<string, never> };
  /** Ends another participant's stream. Only for a MODERATOR. */
  forceUnpublish: { params: { streamId: StreamId }; result: Record<string, never> };
  /**
   * To everyone (the sender among them), or to the connections named. `id` and `number` are the sender's, for de-duplication:
   * `number` rises with every signal, and stays the same when one is sent again.
   */
  signal: {
    params: { id: string; number?: number; type?: string; data?: string; to?: ConnectionId[] };
    result: { recipients: number };
  };
  leave: { params: Record<string, never>; result: Record<string, never> };
}

export interface PublishParams {
  /** Four letters or digits, chosen by the client: becomes part of the stream's id. */
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

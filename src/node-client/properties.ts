/** The terms and properties of the REST API. Names and values are OpenVidu's where it has them. */

/** A participant's permissions. */
export const OpenViduRole = {
  /** Only receives. */
  SUBSCRIBER: 'SUBSCRIBER',
  /** Receives and sends. */
  PUBLISHER: 'PUBLISHER',
  /** Receives and sends, and may end streams and connections of others. */
  MODERATOR: 'MODERATOR',
} as const;
/** A value of {@link OpenViduRole}. */
export type OpenViduRole = (typeof OpenViduRole)[keyof typeof OpenViduRole];

/** The path of media. Always treated as `ROUTED`. */
export const MediaMode = {
  /** Through a media node. */
  ROUTED: 'ROUTED',
  /** Treated as `ROUTED`. */
  RELAYED: 'RELAYED',
} as const;
/** A value of {@link MediaMode}. */
export type MediaMode = (typeof MediaMode)[keyof typeof MediaMode];

/** When a session is recorded. Recording is not supported. */
export const RecordingMode = {
  /** On request. */
  MANUAL: 'MANUAL',
  /** Refused: code `NOT_SUPPORTED`. */
  ALWAYS: 'ALWAYS',
} as const;
/** A value of {@link RecordingMode}. */
export type RecordingMode = (typeof RecordingMode)[keyof typeof RecordingMode];

/** The kind of client that joins with a connection. */
export const ConnectionType = {
  /** A WebRTC client. */
  WEBRTC: 'WEBRTC',
  /** Refused: code `BAD_REQUEST`. */
  IPCAM: 'IPCAM',
} as const;
/** A value of {@link ConnectionType}. */
export type ConnectionType = (typeof ConnectionType)[keyof typeof ConnectionType];

/** The video codec, which is always VP8. */
export const VideoCodec = {
  /** VP8. */
  MEDIA_SERVER_PREFERRED: 'MEDIA_SERVER_PREFERRED',
  /** No codec is forced; it is VP8. */
  NONE: 'NONE',
  /** The only supported codec. */
  VP8: 'VP8',
  /** Refused: code `NOT_SUPPORTED`. */
  VP9: 'VP9',
  /** Refused: code `NOT_SUPPORTED`. */
  H264: 'H264',
} as const;
/** A value of {@link VideoCodec}. */
export type VideoCodec = (typeof VideoCodec)[keyof typeof VideoCodec];

/** The fate of a session whose node crashes. Not in OpenVidu. */
export const FailoverPolicy = {
  /** The session is destroyed, and its clients rebuild it. */
  rebuild: 'rebuild',
  /** The session continues on another node. */
  takeover: 'takeover',
} as const;
/** A value of {@link FailoverPolicy}. */
export type FailoverPolicy = (typeof FailoverPolicy)[keyof typeof FailoverPolicy];

/** Properties of a new session. */
export interface SessionProperties {
  /** 1 to 128 of `[a-zA-Z0-9_-]`. Default: `ses_` and 10 random characters. */
  readonly customSessionId?: string;
  /** Default: the cluster's. Not in OpenVidu. */
  readonly failover?: FailoverPolicy;
  /** Default `ROUTED`. */
  readonly mediaMode?: MediaMode;
  /** Default `MANUAL`. */
  readonly recordingMode?: RecordingMode;
  /** Stored and returned, but without effect. */
  readonly defaultRecordingProperties?: Readonly<Record<string, unknown>>;
  /** The media node for the session, by its `id`; code `NOT_FOUND` if there is no such node. Default: the least loaded one. */
  readonly mediaNode?: {
    /** E.g. `media-1`. */
    readonly id: string;
  };
  /** Default `MEDIA_SERVER_PREFERRED`. */
  readonly forcedVideoCodec?: VideoCodec;
  /** Stored and returned, but without effect. */
  readonly allowTranscoding?: boolean;
}

/** A STUN or TURN server, with either `url` or `urls`. */
export interface IceServerProperties {
  /** E.g. `turn:turn.example.org:3478`. */
  readonly url?: string;
  /** Its URL or URLs, as in a browser's `RTCIceServer`. */
  readonly urls?: string | readonly string[];
  /** An option of OpenVidu without effect here: TURN requires `username` and `credential`. */
  readonly staticAuthSecret?: string;
  /** Required for TURN. */
  readonly username?: string;
  /** Required for TURN. */
  readonly credential?: string;
}

/** Settings of OpenVidu's other media server. Accepted, but without effect. */
export interface KurentoOptions {
  /** Kilobits per second, like the three fields below. */
  readonly videoMaxRecvBandwidth?: number;
  /** Kilobits per second. */
  readonly videoMinRecvBandwidth?: number;
  /** Kilobits per second. */
  readonly videoMaxSendBandwidth?: number;
  /** Kilobits per second. */
  readonly videoMinSendBandwidth?: number;
  /** Names of filters. */
  readonly allowedFilters?: readonly string[];
}

/** Properties of a new connection. `null` means the default. */
export interface ConnectionProperties {
  /** Default `WEBRTC`, the only supported type. */
  readonly type?: ConnectionType | null;
  /** Data about this participant from your server, which the others receive. Default: none. */
  readonly data?: string | null;
  /** Default `PUBLISHER`. */
  readonly role?: OpenViduRole | null;
  /** STUN and TURN servers for this client only. Default: those of the cluster. */
  readonly customIceServers?: readonly IceServerProperties[] | null;
  /** Lifetime of the token, ms, from 1 s to 30 days. A participant who has joined is not affected. Default: 15 minutes. */
  readonly expiresInMs?: number | null;
  /** Stored and returned, but without effect. Default `true`. */
  readonly record?: boolean | null;
  /** No effect. */
  readonly kurentoOptions?: KurentoOptions | null;
  /** No effect. */
  readonly rtspUri?: string | null;
  /** No effect. */
  readonly adaptativeBitrate?: boolean | null;
  /** No effect. */
  readonly onlyPlayWithSubscribers?: boolean | null;
  /** No effect. */
  readonly networkCache?: number | null;
}

/** Options of {@link Session.generateToken}. */
export type TokenOptions = Pick<ConnectionProperties, 'role' | 'data' | 'expiresInMs' | 'kurentoOptions'>;

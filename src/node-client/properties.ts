/** The words and properties of the REST API; names and values are OpenVidu's, where it has them. */

/** What a participant may do. */
export const OpenViduRole = {
  /** Receives. */
  SUBSCRIBER: 'SUBSCRIBER',
  /** Receives and sends. */
  PUBLISHER: 'PUBLISHER',
  /** Receives and sends, and ends what others do. */
  MODERATOR: 'MODERATOR',
} as const;
/** One of {@link OpenViduRole}'s words. */
export type OpenViduRole = (typeof OpenViduRole)[keyof typeof OpenViduRole];

/** Which way media takes. It is always `ROUTED`, whichever is asked for. */
export const MediaMode = {
  /** Through a media node. */
  ROUTED: 'ROUTED',
  /** Taken as `ROUTED`. */
  RELAYED: 'RELAYED',
} as const;
/** One of {@link MediaMode}'s words. */
export type MediaMode = (typeof MediaMode)[keyof typeof MediaMode];

/** When a session is recorded. Nothing is. */
export const RecordingMode = {
  /** When it is asked for. */
  MANUAL: 'MANUAL',
  /** Refused: code `NOT_SUPPORTED`. */
  ALWAYS: 'ALWAYS',
} as const;
/** One of {@link RecordingMode}'s words. */
export type RecordingMode = (typeof RecordingMode)[keyof typeof RecordingMode];

/** What joins with a connection. */
export const ConnectionType = {
  /** A client. */
  WEBRTC: 'WEBRTC',
  /** Refused: code `BAD_REQUEST`. */
  IPCAM: 'IPCAM',
} as const;
/** One of {@link ConnectionType}'s words. */
export type ConnectionType = (typeof ConnectionType)[keyof typeof ConnectionType];

/** What video is made of: VP8. */
export const VideoCodec = {
  /** VP8. */
  MEDIA_SERVER_PREFERRED: 'MEDIA_SERVER_PREFERRED',
  /** None is demanded, and it is VP8. */
  NONE: 'NONE',
  /** The one that there is. */
  VP8: 'VP8',
  /** Refused: code `NOT_SUPPORTED`. */
  VP9: 'VP9',
  /** Refused: code `NOT_SUPPORTED`. */
  H264: 'H264',
} as const;
/** One of {@link VideoCodec}'s words. */
export type VideoCodec = (typeof VideoCodec)[keyof typeof VideoCodec];

/** What the crash of a node means for a session. Not in OpenVidu. */
export const FailoverPolicy = {
  /** It is destroyed, and built anew by its clients. */
  rebuild: 'rebuild',
  /** It goes on at another node. */
  takeover: 'takeover',
} as const;
/** One of {@link FailoverPolicy}'s words. */
export type FailoverPolicy = (typeof FailoverPolicy)[keyof typeof FailoverPolicy];

/** What a session is created with. */
export interface SessionProperties {
  /** `[a-zA-Z0-9_-]`, 1 to 128 of them. Default: `ses_` and 10 random characters. */
  readonly customSessionId?: string;
  /** Default: the cluster's. Not in OpenVidu. */
  readonly failover?: FailoverPolicy;
  /** Default `ROUTED`. */
  readonly mediaMode?: MediaMode;
  /** Default `MANUAL`. */
  readonly recordingMode?: RecordingMode;
  /** Kept and shown again, with no effect. */
  readonly defaultRecordingProperties?: Readonly<Record<string, unknown>>;
  /** The media node, by its `id`, that is to carry the session; `NOT_FOUND` when it is not there. Default: the one with most room. */
  readonly mediaNode?: {
    /** E.g. `media-1`. */
    readonly id: string;
  };
  /** Default `MEDIA_SERVER_PREFERRED`. */
  readonly forcedVideoCodec?: VideoCodec;
  /** Kept and shown again, with no effect. */
  readonly allowTranscoding?: boolean;
}

/** A STUN or TURN server, with either `url` or `urls`. */
export interface IceServerProperties {
  /** E.g. `turn:turn.example.org:3478`. */
  readonly url?: string;
  /** Its address or addresses, as a browser's `RTCIceServer` has them. */
  readonly urls?: string | readonly string[];
  /** OpenVidu's; of no use here, where TURN needs `username` and `credential`. */
  readonly staticAuthSecret?: string;
  /** Needed by TURN. */
  readonly username?: string;
  /** Needed by TURN. */
  readonly credential?: string;
}

/** Settings of OpenVidu's other media server: taken, with no effect. */
export interface KurentoOptions {
  /** Kilobits per second, as the others of these. */
  readonly videoMaxRecvBandwidth?: number;
  /** Kilobits per second. */
  readonly videoMinRecvBandwidth?: number;
  /** Kilobits per second. */
  readonly videoMaxSendBandwidth?: number;
  /** Kilobits per second. */
  readonly videoMinSendBandwidth?: number;
  /** Names. */
  readonly allowedFilters?: readonly string[];
}

/** What a connection is created with; `null` is the default. */
export interface ConnectionProperties {
  /** Default `WEBRTC`, the only one that is supported. */
  readonly type?: ConnectionType | null;
  /** What the others are told of this participant. Default: nothing. */
  readonly data?: string | null;
  /** Default `PUBLISHER`. */
  readonly role?: OpenViduRole | null;
  /** For this client alone. Default: those of the cluster. */
  readonly customIceServers?: readonly IceServerProperties[] | null;
  /** For how long the token is good, ms, from 1 s to 30 days; somebody who has joined is not touched. Default: 15 minutes. */
  readonly expiresInMs?: number | null;
  /** Kept and shown again, with no effect. Default `true`. */
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

/** What {@link Session.generateToken} takes. */
export type TokenOptions = Pick<ConnectionProperties, 'role' | 'data' | 'expiresInMs' | 'kurentoOptions'>;

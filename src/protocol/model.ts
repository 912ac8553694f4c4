import type { ConnectionId, StreamId, TypeOfVideo } from './ids.ts';

/** A connection and its streams, as all participants know them. */

export type Role = 'SUBSCRIBER' | 'PUBLISHER' | 'MODERATOR';
export type MediaKind = 'audio' | 'video';

export interface ConnectionInfo {
  readonly connectionId: ConnectionId;
  /** Unix time, ms. */
  readonly createdAt: number;
  readonly role: Role;
  /** The client's metadata and the server's data, joined as `client%/%server` if both exist. */
  readonly data: string;
  /** `away`: the client's socket is gone, but it may resume within the grace period. */
  readonly presence: 'here' | 'away';
  /** As its client has told the session's owner; absent where it has not. */
  readonly networkQuality?: NetworkQuality;
  /**
   * The connections that this one continues, in lives of the session that crashes ended: latest first, at most 10. A client that missed a life
   * recognises it by an earlier one. The ids of its streams differ only in the connection id.
   */
  readonly replaces?: readonly ConnectionId[];
  /** Keys of the streams that it will publish again after a crash; no others return. Without it, any may. */
  readonly awaitedStreams?: readonly string[];
  readonly streams: readonly StreamInfo[];
}

export interface StreamInfo {
  readonly streamId: StreamId;
  readonly connectionId: ConnectionId;
  /** Unix time, ms. */
  readonly createdAt: number;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  readonly audioActive: boolean;
  readonly videoActive: boolean;
  readonly typeOfVideo?: TypeOfVideo;
  /** Frames per second requested from the camera. */
  readonly frameRate?: number;
  /** Pixels. */
  readonly videoDimensions?: { readonly width: number; readonly height: number };
  /** How often the stream has switched to another transport. Default: 0. */
  readonly renewal?: number;
}

/** A property of a stream that its publisher has changed, and why. */
export type StreamChange =
  | {
      readonly property: 'videoDimensions';
      /** Pixels. */
      readonly value: { readonly width: number; readonly height: number };
      readonly reason: 'deviceRotated' | 'screenResized' | 'trackReplaced';
    }
  | {
      readonly property: 'videoTrack' | 'audioTrack';
      /** The browser's name for the new source. */
      readonly value: { readonly label: string };
      readonly reason: 'trackReplaced';
    };

/**
 * A client's report on the media at one location. `flows`: media arrives from there. `silent`: none arrives, although some did before.
 * `unknown`: the client cannot tell. `shown`: everything that it receives plays from there, or there is nothing to play.
 */
export type MediaState = 'flows' | 'silent' | 'unknown' | 'shown';

/** Quality of a participant's network: 0 is broken, 5 is excellent. */
export type NetworkQuality = 0 | 1 | 2 | 3 | 4 | 5;

/** Why a connection or a session ended, in OpenVidu's terms. */
export type LeaveReason =
  | 'disconnect'
  | 'forceDisconnectByUser'
  | 'forceDisconnectByServer'
  | 'sessionClosedByServer'
  | 'networkDisconnect'
  | 'nodeCrashed';

/**
 * Why a connection cannot be resumed. `networkDisconnect`: away for longer than the grace period. `outboxOverflow`: too many messages
 * waited for it. `unknown`: the cluster doesn't remember the connection, or the resume key is wrong. Others: how the connection ended.
 */
export type ResumeRefusal = LeaveReason | 'outboxOverflow' | 'unknown';

/** A connection that its client has left for good, and how. */
export interface Departed {
  readonly connectionId: ConnectionId;
  readonly reason: LeaveReason;
}

/** Why a stream ended. */
export type StreamEndReason = LeaveReason | 'unpublish' | 'forceUnpublishByUser' | 'forceUnpublishByServer';

/** A stream that was ended against its publisher's will. */
export interface EndedStream {
  readonly streamId: StreamId;
  readonly reason: 'forceUnpublishByUser' | 'forceUnpublishByServer';
}

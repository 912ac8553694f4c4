import type { ConnectionId, StreamId, TypeOfVideo } from './ids.ts';

/** What every participant of a session knows of a connection and of its streams. */

export type Role = 'SUBSCRIBER' | 'PUBLISHER' | 'MODERATOR';
export type MediaKind = 'audio' | 'video';

export interface ConnectionInfo {
  readonly connectionId: ConnectionId;
  /** Unix time, ms. */
  readonly createdAt: number;
  readonly role: Role;
  /** The client's metadata and the server's: `client%/%server` when both exist. */
  readonly data: string;
  /** `away`: its socket is gone and it may come back within the resume grace. */
  readonly presence: 'here' | 'away';
  /** As its client has told the session's owner; absent where it has not. */
  readonly networkQuality?: NetworkQuality;
  /**
   * The connections that this one goes on from, in lives of the session that crashes ended: the latest first, at most 10. Whoever
   * has missed a life knows it by an earlier one. Its streams keep all of their ids but the connection's.
   */
  readonly replaces?: readonly ConnectionId[];
  /** Keys of the streams that it is about to publish again after a crash: no other comes back. Without it, any may. */
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
  /** Frames per second that the publisher asked of its camera. */
  readonly frameRate?: number;
  /** Pixels. */
  readonly videoDimensions?: { readonly width: number; readonly height: number };
  /** How often its client has sent it over another transport than before. Default: 0. */
  readonly renewal?: number;
}

/** A property of a stream that its publisher has changed, and by what. */
export type StreamChange =
  | {
      readonly property: 'videoDimensions';
      /** Pixels. */
      readonly value: { readonly width: number; readonly height: number };
      readonly reason: 'deviceRotated' | 'screenResized' | 'trackReplaced';
    }
  | {
      readonly property: 'videoTrack' | 'audioTrack';
      /** The name that the browser gives the new source. */
      readonly value: { readonly label: string };
      readonly reason: 'trackReplaced';
    };

/**
 * A client's report about the media at one place. `flows`: something arrives from there. `silent`: nothing does, and something
 * has before. `unknown`: it cannot tell. `shown`: all that it receives plays from there, or there is nothing to play.
 */
export type MediaState = 'flows' | 'silent' | 'unknown' | 'shown';

/** How well a participant's network does: 0 is broken, 5 is excellent. */
export type NetworkQuality = 0 | 1 | 2 | 3 | 4 | 5;

/** Why a connection or a session ended; the words are OpenVidu's. */
export type LeaveReason =
  | 'disconnect'
  | 'forceDisconnectByUser'
  | 'forceDisconnectByServer'
  | 'sessionClosedByServer'
  | 'networkDisconnect'
  | 'nodeCrashed';

/**
 * Why there is nothing to resume. `networkDisconnect`: away for longer than the grace. `outboxOverflow`: more waited for it than is
 * kept. `unknown`: the cluster remembers no such connection, or the resume key is not its own. Otherwise how the connection ended.
 */
export type ResumeRefusal = LeaveReason | 'outboxOverflow' | 'unknown';

/** A place that its client has left for good, and how. */
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

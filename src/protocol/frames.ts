import type { types } from 'mediasoup-client';
import type { WireError } from './errors.ts';
import type { ConnectionId, Epoch, RequestId, ResumeKey, Seq, SessionId, TokenId, UniqueSessionId } from './ids.ts';
import type { Method, Params } from './methods.ts';
import type {
  ConnectionInfo,
  Departed,
  EndedStream,
  LeaveReason,
  MediaKind,
  NetworkQuality,
  Role,
  StreamChange,
  StreamEndReason,
  StreamInfo,
} from './model.ts';

/** ─── from client to server ─────────────────────────────────────────────────────────────────────────────────────── */

/** Joins a session with a token. */
export interface Join {
  readonly sessionId: SessionId;
  readonly token: TokenId;
  /** Chosen by the client, one per token. A retried join with the same key finds the first one's result. */
  readonly key: string;
  readonly metadata: string;
  /** The client's connection in a previous life of the session that a crash ended, with proof. */
  readonly previous?: {
    readonly uniqueSessionId: UniqueSessionId;
    readonly connectionId: ConnectionId;
    readonly resumeKey: ResumeKey;
    /** Keys of the streams that will be published again. Without it, it may be any. */
    readonly streams?: readonly string[];
  };
}

/** Leaves a connection for good that this socket doesn't serve, possibly in a life of the session that a crash ended. */
export interface Goodbye {
  readonly sessionId: SessionId;
  readonly uniqueSessionId: UniqueSessionId;
  readonly connectionId: ConnectionId;
  /** Proves that the connection is this client's. */
  readonly resumeKey: ResumeKey;
}

/** Continues an existing connection. */
export interface Resume {
  readonly sessionId: SessionId;
  readonly uniqueSessionId: UniqueSessionId;
  readonly connectionId: ConnectionId;
  readonly resumeKey: ResumeKey;
  /** Of the last welcome. If the owner's epoch is higher, it has taken over and starts its numbers again. */
  readonly epoch: Epoch;
  /** Number of the last frame that the client has received: the owner sends those after it. */
  readonly received: Seq;
  /** Number of the first unanswered request: the client sends requests again from the number that the welcome asks for. */
  readonly nextRequest: RequestId;
}

export interface HelloFrame {
  readonly t: 'hello';
  readonly v: number;
  /** Name and version of the client, for the logs. */
  readonly sdk: string;
  /** Whether the client accepts `part` frames; otherwise large frames are sent whole. */
  readonly parts?: boolean;
  readonly join?: Join;
  readonly resume?: Resume;
  readonly goodbye?: Goodbye;
}

export type RequestFrame = {
  [M in Method]: {
    readonly t: 'req';
    readonly id: RequestId;
    readonly method: M;
    readonly data: Params<M>;
    /** How long ago the client first sent it to another owner, which may have carried it out; ms. */
    readonly askedAgoMs?: number;
  };
}[Method];

/** Cumulative: everything up to `seq` has arrived, so the owner may drop it. */
export interface AckFrame {
  readonly t: 'ack';
  readonly seq: Seq;
}

export interface PingFrame {
  readonly t: 'ping';
  /** How many `part`s have arrived over this socket, because a client can't acknowledge anything else while it reads a large frame. */
  readonly parts?: number;
}

export type ClientFrame = HelloFrame | RequestFrame | AckFrame | PingFrame;

/** ─── from server to client ─────────────────────────────────────────────────────────────────────────────────────── */

/** The answer to a hello. */
export interface WelcomeFrame {
  readonly t: 'welcome';
  readonly v: number;
  readonly resumed: boolean;
  readonly sessionId: SessionId;
  readonly uniqueSessionId: UniqueSessionId;
  readonly connectionId: ConnectionId;
  readonly epoch: Epoch;
  readonly resumeKey: ResumeKey;
  /** Number of the last request that the owner has taken: the client sends later ones again. */
  readonly requestsTaken: RequestId;
  /** Number of the last frame that the owner has sent so far. Missed frames follow at once. */
  readonly seq: Seq;
  readonly heartbeatMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly resumeGraceMs: number;
  readonly reconnectSpreadMs: number;
  /**
   * The session at `seq`. Missing after a plain resume, where the missed frames suffice. With `resumed`, another owner has taken over:
   * the client finds in the snapshot what its predecessor had not delivered.
   */
  readonly snapshot?: Snapshot;
}

export interface Snapshot {
  readonly self: ConnectionInfo;
  /** All other connections of the session. */
  readonly others: readonly ConnectionInfo[];
  readonly media: MediaPlace;
  readonly iceServers: readonly IceServer[];
  /** Streams of this client, in this or former lives, that were ended by force. The client may not have been told. */
  readonly endedStreams?: readonly EndedStream[];
  /** Connections of former lives that no client continues, so that this client stops waiting for them. */
  readonly departed?: readonly Departed[];
}

/** The location of the session's media. */
export interface MediaPlace {
  /** Changes when the media is hosted anew; all transports change with it. */
  readonly id: string;
  /** The capabilities of the media node, the same on every node of a cluster. */
  readonly rtpCapabilities: types.RtpCapabilities;
}

export interface IceServer {
  readonly urls: string | string[];
  readonly username?: string;
  readonly credential?: string;
}

/** Refuses a hello; the socket is closed after it. */
export interface RefusedFrame {
  readonly t: 'refused';
  readonly error: WireError;
}

/** The client sent something malformed; the socket is closed after it. */
export interface ErrorFrame {
  readonly t: 'error';
  readonly error: WireError;
}

export type ResponseFrame =
  | { readonly t: 'res'; readonly seq: Seq; readonly id: RequestId; readonly data: unknown }
  | { readonly t: 'res'; readonly seq: Seq; readonly id: RequestId; readonly error: WireError };

/** Events from the owner; `data` by name. */
export interface ServerEvents {
  connectionCreated: { connection: ConnectionInfo };
  connectionDestroyed: { connectionId: ConnectionId; reason: LeaveReason };
  connectionPresence: { connectionId: ConnectionId; presence: 'here' | 'away' };
  streamCreated: { stream: StreamInfo };
  streamDestroyed: { streamId: StreamInfo['streamId']; reason: StreamEndReason };
  streamActive: { streamId: StreamInfo['streamId']; kind: MediaKind; active: boolean };
  streamChanged: { streamId: StreamInfo['streamId']; change: StreamChange };
  /** The publisher sends the stream over another transport. Clients that don't receive it over that one yet subscribe again. */
  streamRenewed: { streamId: StreamInfo['streamId']; renewal: number };
  /** The connection's role has been changed through the REST API. */
  connectionChanged: { connectionId: ConnectionId; role: Role };
  networkQuality: { connectionId: ConnectionId; level: NetworkQuality };
  /** `number` is chosen by the sender and rises. A signal whose number doesn't rise is a repetition, or predates this client's join. */
  signal: { id: string; type?: string; data?: string; from?: ConnectionId; number?: number };
  /**
   * The session's media has been hosted anew. The client creates new transports, and publishes and subscribes again with the same keys and
   * ids. When the new media plays, it sends `reportMedia` with `shown`. `isKept`: the old media continues until `mediaLeft`, so the client
   * goes on sending and showing it.
   */
  mediaMoved: { media: MediaPlace; isKept?: true };
  /** The owner cannot command the media node. The client checks whether its media flows, and answers with `reportMedia`. */
  mediaDoubted: { mediaId: MediaPlace['id'] };
  /** Every client shows media newer than this, so it may be closed. */
  mediaLeft: { mediaId: MediaPlace['id'] };
  /** The client's own connection has ended. No frame follows. */
  evicted: { reason: LeaveReason };
}
export type ServerEventName = keyof ServerEvents;

export type EventFrame = {
  [E in ServerEventName]: { readonly t: 'evt'; readonly seq: Seq; readonly event: E; readonly data: ServerEvents[E] };
}[ServerEventName];

/**
 * The session has ended because a node crashed. The frame has no number, because the owner that numbers frames may have crashed. The socket
 * stays open for another hello.
 */
export interface DestroyedFrame {
  readonly t: 'destroyed';
  readonly uniqueSessionId: UniqueSessionId;
  readonly reason: 'nodeCrashed';
  /** Width of the jitter before the client's first attempt to rebuild, ms. Default: `reconnectSpreadMs` of the welcome. */
  readonly spreadMs?: number;
}

/**
 * Another owner takes over the session, so the client resumes over the same socket. Nothing else has changed, so the application isn't
 * told.
 */
export interface MovedFrame {
  readonly t: 'moved';
}

export interface PongFrame {
  readonly t: 'pong';
}

/**
 * A part of the text of a large frame. Over a slow link, each part is a sign of life. The parts of a frame are sent without other frames
 * in between.
 */
export interface PartFrame {
  readonly t: 'part';
  readonly text: string;
  /** Set on the last part of the frame. */
  readonly last?: true;
}

/** Frames with a number, which are kept until acknowledged and sent again after a resume. */
export type NumberedFrame = ResponseFrame | EventFrame;
export type ServerFrame =
  | WelcomeFrame
  | RefusedFrame
  | ErrorFrame
  | NumberedFrame
  | DestroyedFrame
  | MovedFrame
  | PongFrame
  | PartFrame;

const SERVER_FRAMES: readonly string[] = [
  'welcome',
  'refused',
  'error',
  'res',
  'evt',
  'destroyed',
  'moved',
  'pong',
  'part',
] satisfies ServerFrame['t'][];

/**
 * Parses a frame from a server, whose frames of known types are trusted to be well-formed. Frames of unknown types yield `undefined` and are
 * ignored, so that servers can be newer than clients.
 */
export function parseServerFrame(text: string): ServerFrame | undefined {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof frame !== 'object' || frame === null || !('t' in frame)) return undefined;
  return typeof frame.t === 'string' && SERVER_FRAMES.includes(frame.t) ? (frame as ServerFrame) : undefined;
}

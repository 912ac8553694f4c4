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

/** Takes a place in a session with a token. */
export interface Join {
  readonly sessionId: SessionId;
  readonly token: TokenId;
  /** Chosen by the client, one for each token: a join sent again with the same key finds the place already taken. */
  readonly key: string;
  readonly metadata: string;
  /** The place in the life of the session that a crash ended, and the proof that it was this client's. */
  readonly previous?: {
    readonly uniqueSessionId: UniqueSessionId;
    readonly connectionId: ConnectionId;
    readonly resumeKey: ResumeKey;
    /** Keys of the streams that are about to be published again. Without it, any may be. */
    readonly streams?: readonly string[];
  };
}

/** Leaves a place for good: one that this socket does not serve, also in a life of the session that a crash ended. */
export interface Goodbye {
  readonly sessionId: SessionId;
  readonly uniqueSessionId: UniqueSessionId;
  readonly connectionId: ConnectionId;
  /** The proof that it is this client's. */
  readonly resumeKey: ResumeKey;
}

/** Goes on with a place already taken. */
export interface Resume {
  readonly sessionId: SessionId;
  readonly uniqueSessionId: UniqueSessionId;
  readonly connectionId: ConnectionId;
  readonly resumeKey: ResumeKey;
  /** Of the last welcome. An owner of a higher epoch has taken over and counts anew. */
  readonly epoch: Epoch;
  /** Number of the last frame that the client has got: the owner sends what follows. */
  readonly received: Seq;
  /** Number of the first request that has not been answered: from there on the client sends again what is asked for. */
  readonly nextRequest: RequestId;
}

export interface HelloFrame {
  readonly t: 'hello';
  readonly v: number;
  /** Name and version of the client, for the logs. */
  readonly sdk: string;
  /** Whether it puts `part`s together; without, large frames come whole. */
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
    /** How long ago it was first asked, ms: of another owner, which may have carried it out. */
    readonly askedAgoMs?: number;
  };
}[Method];

/** Cumulative: everything up to `seq` has arrived and need not be kept. */
export interface AckFrame {
  readonly t: 'ack';
  readonly seq: Seq;
}

export interface PingFrame {
  readonly t: 'ping';
  /** How many `part`s have come over this socket: a client that reads a large frame cannot acknowledge anything else. */
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
  /** Number of the last request the owner has taken: the client sends what follows again. */
  readonly requestsTaken: RequestId;
  /** Number of the last frame the owner has sent before this moment. Frames missed follow at once. */
  readonly seq: Seq;
  readonly heartbeatMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly resumeGraceMs: number;
  readonly reconnectSpreadMs: number;
  /**
   * The session at `seq`. Left out of a plain resume, where the frames missed tell the rest. With `resumed`: another
   * owner has taken over, and what its predecessor had not delivered is in the difference to what the client knows.
   */
  readonly snapshot?: Snapshot;
}

export interface Snapshot {
  readonly self: ConnectionInfo;
  /** Everyone else in the session. */
  readonly others: readonly ConnectionInfo[];
  readonly media: MediaPlace;
  readonly iceServers: readonly IceServer[];
  /** Streams of this client, in this life or in those before, that were ended against its will: it may not have been told. */
  readonly endedStreams?: readonly EndedStream[];
  /** Former places that nobody goes on from: a client that knows them from before a crash waits for them no longer. */
  readonly departed?: readonly Departed[];
}

/** Where the session's media is. */
export interface MediaPlace {
  /** Changes when the media is hosted anew, and all transports with it. */
  readonly id: string;
  /** What the media node can do: the same on every node of a cluster. */
  readonly rtpCapabilities: types.RtpCapabilities;
}

export interface IceServer {
  readonly urls: string | string[];
  readonly username?: string;
  readonly credential?: string;
}

/** The answer to a hello that leads nowhere; the socket is closed after it. */
export interface RefusedFrame {
  readonly t: 'refused';
  readonly error: WireError;
}

/** Something the client sent could not be understood; the socket is closed after it. */
export interface ErrorFrame {
  readonly t: 'error';
  readonly error: WireError;
}

export type ResponseFrame =
  | { readonly t: 'res'; readonly seq: Seq; readonly id: RequestId; readonly data: unknown }
  | { readonly t: 'res'; readonly seq: Seq; readonly id: RequestId; readonly error: WireError };

/** What an owner tells without being asked; `data` by name. */
export interface ServerEvents {
  connectionCreated: { connection: ConnectionInfo };
  connectionDestroyed: { connectionId: ConnectionId; reason: LeaveReason };
  connectionPresence: { connectionId: ConnectionId; presence: 'here' | 'away' };
  streamCreated: { stream: StreamInfo };
  streamDestroyed: { streamId: StreamInfo['streamId']; reason: StreamEndReason };
  streamActive: { streamId: StreamInfo['streamId']; kind: MediaKind; active: boolean };
  streamChanged: { streamId: StreamInfo['streamId']; change: StreamChange };
  /** Its client sends it over another transport: who has not received it so yet subscribes again. */
  streamRenewed: { streamId: StreamInfo['streamId']; renewal: number };
  /** Its role has been changed through the REST API. */
  connectionChanged: { connectionId: ConnectionId; role: Role };
  networkQuality: { connectionId: ConnectionId; level: NetworkQuality };
  /** `number`: the sender's. It rises; one that does not is a repetition, or was said before this client joined. */
  signal: { id: string; type?: string; data?: string; from?: ConnectionId; number?: number };
  /**
   * The session's media is hosted anew: the client makes new transports, and publishes and subscribes again, under the same
   * keys and ids. When the new media plays, it sends `reportMedia` with `shown`. `isKept`: the old media goes on until
   * `mediaLeft`, so the client keeps sending and showing it for as long.
   */
  mediaMoved: { media: MediaPlace; isKept?: true };
  /** The owner cannot command the media node. The client looks whether its media flows, and answers with `reportMedia`. */
  mediaDoubted: { mediaId: MediaPlace['id'] };
  /** Every client shows the media that came after this one: nobody needs this one any more. */
  mediaLeft: { mediaId: MediaPlace['id'] };
  /** The client's own place has ended: the last frame it gets. */
  evicted: { reason: LeaveReason };
}
export type ServerEventName = keyof ServerEvents;

export type EventFrame = {
  [E in ServerEventName]: { readonly t: 'evt'; readonly seq: Seq; readonly event: E; readonly data: ServerEvents[E] };
}[ServerEventName];

/**
 * The session has ended because a node crashed. Not numbered, as the one who numbers may be the one who crashed. The
 * socket stays open for a new hello.
 */
export interface DestroyedFrame {
  readonly t: 'destroyed';
  readonly uniqueSessionId: UniqueSessionId;
  readonly reason: 'nodeCrashed';
  /** Width of the jitter before the client's first attempt to rebuild, ms. Default: `reconnectSpreadMs` of the welcome. */
  readonly spreadMs?: number;
}

/**
 * Another owner takes the session over: the client resumes over the same socket. Nothing else has changed, so nobody
 * needs to be told.
 */
export interface MovedFrame {
  readonly t: 'moved';
}

export interface PongFrame {
  readonly t: 'pong';
}

/**
 * A piece of the text of a frame that is too large to be sent at once: over a slow link, each piece is a sign of life. Those of one frame
 * follow each other, with nothing between them.
 */
export interface PartFrame {
  readonly t: 'part';
  readonly text: string;
  /** The frame is complete with it. */
  readonly last?: true;
}

/** Frames that are numbered, kept until acknowledged, and sent again after a resume. */
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
 * Reads a frame from a server. The server is trusted for the shape of a type it names; a frame of a type this version
 * does not know is `undefined` and to be ignored, so that servers can be newer than clients.
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

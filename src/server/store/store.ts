import type { ServerEvents } from '../../protocol/frames.ts';
import type { ConnectionId, Epoch, SessionId, UniqueSessionId } from '../../protocol/ids.ts';
import type { EndedStream, ResumeRefusal, Role } from '../../protocol/model.ts';
import type { ClusterId, InstanceId, NodeRole } from '../shared/identity.ts';
import type { WebhookOutbox } from './webhook-outbox.ts';

declare const brand: unique symbol;
/** SHA-256 of a token, base64url: tells whether a token is the right one, and nothing else. */
export type TokenHash = string & { readonly [brand]: 'TokenHash' };

/** A process of the cluster that has renewed its lease in time. */
export interface NodeLease {
  readonly id: string;
  readonly instance: InstanceId;
  readonly role: NodeRole;
  readonly url: string;
  /** 0 to 100. */
  readonly load: number;
}

export interface GoodLease extends NodeLease {
  /** How long it is good without another renewal, ms. */
  readonly goodForMs: number;
}

/** What an owner's crash means for a session. */
export type FailoverPolicy = 'rebuild' | 'takeover';

/** How a session came to its end. */
export type EndReason = 'lastParticipantLeft' | 'sessionClosedByServer' | 'nodeCrashed' | 'neverJoined';

export interface SessionRecord {
  readonly sessionId: SessionId;
  readonly uniqueSessionId: UniqueSessionId;
  readonly epoch: Epoch;
  readonly owner: InstanceId;
  readonly mediaNode: InstanceId | undefined;
  readonly failover: FailoverPolicy;
  /** Unix time, ms. */
  readonly createdAt: number;
  readonly properties: SessionProperties;
}

/** What the REST API was asked to make the session like; what is left out is at its default. */
export interface SessionProperties {
  readonly customSessionId?: string;
  readonly recordingMode?: string;
  readonly defaultRecordingProperties?: Readonly<Record<string, unknown>>;
  readonly forcedVideoCodec?: string;
  readonly allowTranscoding?: boolean;
  /** Name of the media node that it is to be placed on. */
  readonly mediaNode?: string;
  readonly asked?: Asked;
}

/** The request that has made something, so that the same one again finds it. Says nothing of the key that came with it. */
export interface Asked {
  /** The same for the same operation with the same key. */
  readonly key: string;
  /** The same for the same body. */
  readonly fingerprint: string;
}

/** The end of one life of a session: what a client that comes back too late is told. */
export interface EndedSession {
  readonly uniqueSessionId: UniqueSessionId;
  readonly sessionId: SessionId;
  readonly reason: EndReason;
  /** Unix time, ms. */
  readonly endedAt: number;
}

export interface ConnectionRecord {
  readonly connectionId: ConnectionId;
  readonly sessionId: SessionId;
  readonly uniqueSessionId: UniqueSessionId;
  /** Gives the token again, together with the cluster's secret. */
  readonly tokenSalt: string;
  readonly tokenHash: TokenHash;
  readonly role: Role;
  /** Unix time, ms. */
  readonly createdAt: number;
  /** Unix time, ms, after which the token does not join any more. */
  readonly expiresAt: number;
  readonly serverData: string;
  /** STUN and TURN servers of its own, if it has any. Encrypted, as credentials are among them. */
  readonly sealedIceServers?: string;
  /** Whether it is to be part of recordings. Default: true. */
  readonly record?: boolean;
  readonly asked?: Asked;
  /** Unix time, ms, of its end. It is kept for a while, for the request that made it, said again, and for its client, if that comes back. */
  readonly goneAt?: number;
  /** Unix time, ms, at which its client said goodbye while no owner could be told. Set until an owner knows. */
  readonly leftAt?: number;
  /** What its client is told if it comes back; not there when it has left by itself. */
  readonly refusal?: ResumeRefusal;
  /** Once joined: what a new owner needs to know of the member. */
  readonly joined?: JoinedRecord;
}

export interface JoinedRecord {
  /** Unix time, ms. */
  readonly activeAt: number;
  readonly clientData: string;
  readonly ip: string;
  readonly platform: string;
  /** A join that is said again with the same key is the same client, until the first frame after the welcome. */
  readonly joinKey?: string;
  /** SHA-256 of the resume key, base64url; proves a returning client without the store knowing its secret. */
  readonly resumeKeyHash: string;
  /** The same of keys that were handed out since, the latest last: the welcome may have been lost, so either kind is accepted. */
  readonly nextKeyHashes?: readonly string[];
  /** Its former places, the latest first. */
  readonly replaces?: readonly ConnectionId[];
  /** Its streams, in this life or in former ones, that were ended against its will; the latest last. */
  readonly endedStreams?: readonly EndedStream[];
}

/** A signal that waits for somebody who is away. */
export interface KeptSignal {
  readonly connectionId: ConnectionId;
  readonly signal: ServerEvents['signal'];
}

/** What can go wrong with a store, by what the caller should do about it. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /** `unavailable`: try again. `stale`: another master has claimed the session, step down. `exists`: it is there. */
  readonly code: 'unavailable' | 'stale' | 'exists';

  constructor(code: 'unavailable' | 'stale' | 'exists', message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/**
 * Who owns what. Every method is atomic; every write to a session names the epoch under which the writer owns it and
 * fails with `stale` when the session has a higher one. All methods reject with `unavailable` when the store cannot be
 * reached in time, and have then done nothing or all.
 */
export interface Store {
  /** Chosen at random when the store was made. Processes with the same one share a store. */
  readonly clusterId: ClusterId;
  /**
   * Unix time, ms, as it would be if nobody had set a clock since the cluster began: for times that are stored and that durations are
   * measured by, which one process begins and another ends. A clock that is set must not make an hour of a second.
   */
  now(): number;

  /** Resolves to another instance of the same id, if this ends a lease of one that was good. */
  renewLease(lease: NodeLease, leaseMs: number): Promise<InstanceId | undefined>;
  dropLease(instance: InstanceId): Promise<void>;
  /** The nodes whose leases are good. */
  listNodes(): Promise<GoodLease[]>;

  /**
   * Begins a life of a session, under an epoch higher than any that this `sessionId` has had.
   * @throws {StoreError} `exists` when one is going on
   */
  createSession(session: Omit<SessionRecord, 'epoch' | 'mediaNode'>): Promise<SessionRecord>;
  /**
   * Makes `owner` the owner, if the session is still at `expected`. The epoch becomes `expected + 1`.
   * @throws {StoreError} `stale`
   */
  claimSession(uniqueSessionId: UniqueSessionId, expected: Epoch, owner: InstanceId): Promise<SessionRecord>;
  /** @throws {StoreError} `stale` */
  placeSession(uniqueSessionId: UniqueSessionId, epoch: Epoch, mediaNode: InstanceId): Promise<void>;
  /**
   * Ends a life of a session, with its connections' tokens. Resolves `false` when it has ended already or has a higher
   * epoch: then somebody else has decided.
   */
  endSession(uniqueSessionId: UniqueSessionId, epoch: Epoch, reason: EndReason): Promise<boolean>;
  getSession(sessionId: SessionId): Promise<SessionRecord | undefined>;
  listSessions(filter: { owner?: InstanceId; mediaNode?: InstanceId }): Promise<SessionRecord[]>;
  getEnded(uniqueSessionId: UniqueSessionId): Promise<EndedSession | undefined>;

  /** Inserts or replaces. @throws {StoreError} `stale` */
  putConnection(connection: ConnectionRecord, epoch: Epoch): Promise<void>;
  /** The same for several of one life of a session, at the cost of one write. @throws {StoreError} `stale` */
  putConnections(connections: readonly ConnectionRecord[], epoch: Epoch): Promise<void>;
  /** @throws {StoreError} `stale` */
  removeConnection(connection: Pick<ConnectionRecord, 'connectionId' | 'uniqueSessionId'>, epoch: Epoch): Promise<void>;
  /**
   * Notes that the client of a connection has said goodbye, whether anybody owns the session or not: for the next owner, or for the
   * next life of the session.
   */
  noteGoodbye(connection: Pick<ConnectionRecord, 'connectionId' | 'uniqueSessionId'>): Promise<void>;
  /** Also of a life that has ended, for the time that ended sessions are remembered. */
  getConnection(connectionId: ConnectionId): Promise<ConnectionRecord | undefined>;
  listConnections(uniqueSessionId: UniqueSessionId): Promise<ConnectionRecord[]>;

  /**
   * Keeps signals until they are forgotten, or their connections are; those of a life that has ended for as long as ended
   * sessions are remembered. Resolves to the number of the last: numbers only ever rise.
   * @throws {StoreError} `stale`
   */
  keepSignals(uniqueSessionId: UniqueSessionId, epoch: Epoch, signals: readonly KeptSignal[]): Promise<number>;
  /** In the order in which they were kept. */
  listSignals(connectionIds: readonly ConnectionId[]): Promise<(KeptSignal & { readonly number: number })[]>;
  /** Forgets those up to `number`, also of former lives of the session. @throws {StoreError} `stale` */
  forgetSignals(
    uniqueSessionId: UniqueSessionId,
    epoch: Epoch,
    connectionIds: readonly ConnectionId[],
    number: number,
  ): Promise<void>;

  readonly webhooks: WebhookOutbox;

  close(): Promise<void>;
}

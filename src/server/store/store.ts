import type { ServerEvents } from '../../protocol/frames.ts';
import type { ConnectionId, Epoch, SessionId, UniqueSessionId } from '../../protocol/ids.ts';
import type { EndedStream, ResumeRefusal, Role } from '../../protocol/model.ts';
import type { ClusterId, InstanceId, NodeRole } from '../shared/identity.ts';
import type { WebhookOutbox } from './webhook-outbox.ts';

declare const brand: unique symbol;
/** SHA-256 of a token, base64url. It can verify a token but not reveal it. */
export type TokenHash = string & { readonly [brand]: 'TokenHash' };

/** A process of the cluster with a valid lease. */
export interface NodeLease {
  readonly id: string;
  readonly instance: InstanceId;
  readonly role: NodeRole;
  readonly url: string;
  /** 0 to 100. */
  readonly load: number;
}

export interface GoodLease extends NodeLease {
  /** Remaining validity without another renewal, ms. */
  readonly goodForMs: number;
}

/** The fate of a session whose owner crashes. */
export type FailoverPolicy = 'rebuild' | 'takeover';

/** Why a session ended. */
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

/** The properties from the request that created the session. Missing ones have their defaults. */
export interface SessionProperties {
  readonly customSessionId?: string;
  readonly recordingMode?: string;
  readonly defaultRecordingProperties?: Readonly<Record<string, unknown>>;
  readonly forcedVideoCodec?: string;
  readonly allowTranscoding?: boolean;
  /** Name of the media node requested for it. */
  readonly mediaNode?: string;
  readonly asked?: Asked;
}

/** Identifies the request that created an object, so that a retry finds the object. Doesn't reveal the idempotency key. */
export interface Asked {
  /** The same for the same operation with the same idempotency key. */
  readonly key: string;
  /** The same for the same body. */
  readonly fingerprint: string;
}

/** The end of a life of a session, for clients that return too late. */
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
  /** Input for deriving the token with the cluster's secret. */
  readonly tokenSalt: string;
  readonly tokenHash: TokenHash;
  readonly role: Role;
  /** Unix time, ms. */
  readonly createdAt: number;
  /** Unix time, ms, after which the token is no longer valid. */
  readonly expiresAt: number;
  readonly serverData: string;
  /** The connection's own STUN and TURN servers, encrypted because they contain credentials. */
  readonly sealedIceServers?: string;
  /** Whether the connection should be part of recordings. Default: true. */
  readonly record?: boolean;
  readonly asked?: Asked;
  /** Unix time, ms, of its end. The record is then kept for a while, for retries of its request and for its returning client. */
  readonly goneAt?: number;
  /** Unix time, ms, when its client said goodbye while no owner could be told. Set until an owner has processed it. */
  readonly leftAt?: number;
  /** The reason for refusing its client's resume. Missing if the client left by itself. */
  readonly refusal?: ResumeRefusal;
  /** Set by the join: what a new owner needs to know of the member. */
  readonly joined?: JoinedRecord;
}

export interface JoinedRecord {
  /** Unix time, ms. */
  readonly activeAt: number;
  readonly clientData: string;
  readonly ip: string;
  readonly platform: string;
  /** A retried join with the same key counts as the same client, until the first frame after the welcome. */
  readonly joinKey?: string;
  /** SHA-256 of the resume key, base64url. Verifies a returning client without storing its secret. */
  readonly resumeKeyHash: string;
  /** The hashes of keys handed out since, latest last. Their welcomes may have been lost, so both old and new keys are accepted. */
  readonly nextKeyHashes?: readonly string[];
  /** Its connections in former lives, latest first. */
  readonly replaces?: readonly ConnectionId[];
  /** Its streams, in this or former lives, that were ended by force; latest last. */
  readonly endedStreams?: readonly EndedStream[];
}

/** A signal kept for a client that is away. */
export interface KeptSignal {
  readonly connectionId: ConnectionId;
  readonly signal: ServerEvents['signal'];
}

/** Errors of a store, by what the caller should do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /** `unavailable`: try again. `stale`: another master has claimed the session, so step down. `exists`: the session exists. */
  readonly code: 'unavailable' | 'stale' | 'exists';

  constructor(code: 'unavailable' | 'stale' | 'exists', message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/**
 * Records who owns what. Every method is atomic. Every write to a session names the writer's epoch, and fails with `stale` if the session
 * has a higher one. All methods reject with `unavailable` if the store cannot be reached in time; they then have done everything or
 * nothing.
 */
export interface Store {
  /** A random name from the store's creation. Processes with the same one share a store. */
  readonly clusterId: ClusterId;
  /**
   * Unix time, ms, unaffected by changes of clocks since the cluster started. Use it for stored times from which durations are computed
   * across processes, so that setting a clock can't turn a second into an hour.
   */
  now(): number;

  /** Resolves to another instance with the same id if this ends that instance's valid lease. */
  renewLease(lease: NodeLease, leaseMs: number): Promise<InstanceId | undefined>;
  dropLease(instance: InstanceId): Promise<void>;
  /** The nodes with valid leases. */
  listNodes(): Promise<GoodLease[]>;

  /**
   * Starts a life of a session, under an epoch higher than any that this `sessionId` has had.
   * @throws {StoreError} `exists` when a life of it has not ended
   */
  createSession(session: Omit<SessionRecord, 'epoch' | 'mediaNode'>): Promise<SessionRecord>;
  /**
   * Makes `owner` the owner if the session is still at `expected`. The epoch becomes `expected + 1`.
   * @throws {StoreError} `stale`
   */
  claimSession(uniqueSessionId: UniqueSessionId, expected: Epoch, owner: InstanceId): Promise<SessionRecord>;
  /** @throws {StoreError} `stale` */
  placeSession(uniqueSessionId: UniqueSessionId, epoch: Epoch, mediaNode: InstanceId): Promise<void>;
  /**
   * Ends a life of a session, and so the validity of its tokens. Resolves to `false` if it has already ended or has a higher epoch,
   * because another master has decided about it.
   */
  endSession(uniqueSessionId: UniqueSessionId, epoch: Epoch, reason: EndReason): Promise<boolean>;
  getSession(sessionId: SessionId): Promise<SessionRecord | undefined>;
  listSessions(filter: { owner?: InstanceId; mediaNode?: InstanceId }): Promise<SessionRecord[]>;
  getEnded(uniqueSessionId: UniqueSessionId): Promise<EndedSession | undefined>;

  /** Inserts or replaces. @throws {StoreError} `stale` */
  putConnection(connection: ConnectionRecord, epoch: Epoch): Promise<void>;
  /** Inserts or replaces several connections of one life in a single write. @throws {StoreError} `stale` */
  putConnections(connections: readonly ConnectionRecord[], epoch: Epoch): Promise<void>;
  /** @throws {StoreError} `stale` */
  removeConnection(connection: Pick<ConnectionRecord, 'connectionId' | 'uniqueSessionId'>, epoch: Epoch): Promise<void>;
  /**
   * Records that a connection's client has said goodbye, even if no master owns the session: the next owner or the session's next
   * life reads it.
   */
  noteGoodbye(connection: Pick<ConnectionRecord, 'connectionId' | 'uniqueSessionId'>): Promise<void>;
  /** Also finds connections of a life that has ended, while ended sessions are remembered. */
  getConnection(connectionId: ConnectionId): Promise<ConnectionRecord | undefined>;
  listConnections(uniqueSessionId: UniqueSessionId): Promise<ConnectionRecord[]>;

  /**
   * Keeps signals until they or their connections are forgotten. Those of a life that has ended are kept as long as ended sessions are
   * remembered. Resolves to the number of the last signal; numbers only rise.
   * @throws {StoreError} `stale`
   */
  keepSignals(uniqueSessionId: UniqueSessionId, epoch: Epoch, signals: readonly KeptSignal[]): Promise<number>;
  /** In the order in which they were stored. */
  listSignals(connectionIds: readonly ConnectionId[]): Promise<(KeptSignal & { readonly number: number })[]>;
  /** Deletes signals up to `number`, including those of former lives. @throws {StoreError} `stale` */
  forgetSignals(
    uniqueSessionId: UniqueSessionId,
    epoch: Epoch,
    connectionIds: readonly ConnectionId[],
    number: number,
  ): Promise<void>;

  readonly webhooks: WebhookOutbox;

  close(): Promise<void>;
}

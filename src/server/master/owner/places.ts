import { ProtocolError } from '../../../protocol/errors.ts';
import { type ConnectionId, newConnectionId, type TokenId } from '../../../protocol/ids.ts';
import type { Role } from '../../../protocol/model.ts';
import type { CustomIceServer } from '../../shared/ice-servers.ts';
import type { Asked, ConnectionRecord, SessionRecord, Store, TokenHash } from '../../store/store.ts';
import type { AttachmentId } from '../link/ports.ts';
import { isJoined } from './adoption.ts';
import { type ConnectionSecrets, hashToken } from './connection-secrets.ts';

/** How long a token is valid by default. */
export const TOKEN_EXPIRES_MS = 15 * 60 * 1000;
/** How long a connection that has ended is remembered, for a retry of the request that made it, its token and its client. */
const REMEMBERED_MS = 60 * 60 * 1000;
/** How many connections that have ended are remembered; the oldest are forgotten first. */
const MOST_GONE = 10_000;
const FORGET_EVERY_MS = 60 * 1000;
/** How many expired tokens are remembered; the oldest are forgotten first. */
const MOST_EXPIRED = 10_000;

/** A join in progress. */
export interface Joining {
  readonly key: string;
  /** The newest socket of the joining client. */
  latest: AttachmentId;
  /** Resolves when the join has succeeded or failed. */
  readonly over: Promise<unknown>;
}

/** A connection made through REST that no client has joined. `busy`: it is being joined or changed at this moment. */
export interface PendingPlace {
  record: ConnectionRecord;
  busy: boolean;
  joining?: Joining;
}

export interface PlaceOptions {
  readonly role: Role;
  readonly serverData: string;
  readonly record: boolean;
  readonly customIceServers: readonly CustomIceServer[];
  /** Default: 15 minutes. */
  readonly expiresInMs?: number;
}

/** The names of a connection whose request may be retried. A retry derives the same names. */
export interface PlaceNames {
  readonly connectionId: ConnectionId;
  /** The token is derived from it. */
  readonly tokenSalt: string;
  readonly asked: Asked;
}

export interface PlacesParts {
  readonly session: SessionRecord;
  readonly secrets: ConnectionSecrets;
  /** The cluster's time: Unix time, ms. */
  readonly now: () => number;
  /** @throws {ProtocolError} EPOCH_STALE, UNAVAILABLE */
  readonly write: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  /** Throws unless the session may have another connection. @throws {ProtocolError} LIMIT_REACHED */
  readonly requireRoom?: () => void;
}

/** The connection that a token gives access to, or why it gives none. */
export type Claim =
  | { readonly kind: 'pending'; readonly place: PendingPlace }
  | { readonly kind: 'used'; readonly connectionId: ConnectionId }
  | { readonly kind: 'expired' }
  | { readonly kind: 'unknown' };

/**
 * The connections of a session that wait to be joined, and what is remembered of those whose creating request may be retried. Of
 * tokens, only hashes are kept.
 */
export class Places {
  readonly #parts: PlacesParts;
  /** Includes expired ones, for an hour, so that their tokens are refused as expired rather than unknown. */
  readonly #unjoined = new Map<TokenHash, PendingPlace>();
  /** Tokens that have joined. `goneAt`: Unix time, ms, when the connection ended. */
  readonly #used = new Map<TokenHash, { readonly connectionId: ConnectionId; readonly goneAt?: number }>();
  /**
   * Connections whose creating requests may be retried, in any state, and those that ended against their client's will. Ended
   * connections are in the order of their ends.
   */
  readonly #remembered = new Map<ConnectionId, ConnectionRecord>();
  readonly #making = new Map<ConnectionId, Promise<ConnectionRecord>>();
  #forgotAt = 0;

  constructor(parts: PlacesParts) {
    this.#parts = parts;
  }

  /** Connections that a client can join. */
  get pending(): readonly PendingPlace[] {
    return [...this.#unjoined.values()].filter((place) => !this.#isExpired(place));
  }

  /** Restores what a former owner left in the store. */
  adopt(records: readonly ConnectionRecord[]): void {
    for (const record of [...records].sort((a, b) => (a.goneAt ?? 0) - (b.goneAt ?? 0))) {
      const { connectionId, tokenHash, goneAt } = record;
      if (record.asked || goneAt) this.#remembered.set(connectionId, record);
      if (isJoined(record)) this.#used.set(tokenHash, { connectionId, ...(goneAt ? { goneAt } : {}) });
      else if (!goneAt) this.#unjoined.set(tokenHash, { record, busy: false });
    }
  }

  claim(token: TokenId): Claim {
    const hash = hashToken(token);
    const used = this.#used.get(hash);
    if (used) return { kind: 'used', connectionId: used.connectionId };
    const place = this.#unjoined.get(hash);
    if (!place) return { kind: 'unknown' };
    return this.#isExpired(place) ? { kind: 'expired' } : { kind: 'pending', place };
  }

  /** Marks the connection as joined. `false`: it has been withdrawn meanwhile. */
  take(place: PendingPlace): boolean {
    const { tokenHash, connectionId } = place.record;
    if (!this.#unjoined.delete(tokenHash)) return false;
    this.#used.set(tokenHash, { connectionId });
    return true;
  }

  /**
   * Creates a connection that a client can join. A retry under the same names finds the first result, even if that connection has been
   * joined or has ended since.
   * @throws {ProtocolError}
   */
  create(options: PlaceOptions, names?: PlaceNames): Promise<ConnectionRecord> {
    if (!names) return this.#make(options, { connectionId: newConnectionId() });
    const { connectionId } = names;
    this.sweep();
    const made = this.#remembered.get(connectionId);
    if (made) return Promise.resolve(made);
    const making = this.#making.get(connectionId) ?? this.#make(options, names);
    this.#making.set(connectionId, making);
    return making.finally(() => this.#making.delete(connectionId));
  }

  /** Changes a connection that no client has joined yet. @throws {ProtocolError} */
  async change(place: PendingPlace, record: ConnectionRecord): Promise<void> {
    const { session, write } = this.#parts;
    if (place.busy) throw new ProtocolError('UNAVAILABLE', 'this connection is being joined or changed');
    place.busy = true;
    try {
      await write((store) => store.putConnection(record, session.epoch));
      place.record = record;
    } finally {
      place.busy = false;
    }
  }

  /** Withdraws a connection that no client has joined. @throws {ProtocolError} */
  async remove(place: PendingPlace): Promise<void> {
    const { record } = place;
    // Remove the token first, so that no client joins meanwhile.
    this.#unjoined.delete(record.tokenHash);
    try {
      await this.forget(record);
    } catch (error) {
      this.#unjoined.set(record.tokenHash, place);
      throw error;
    }
  }

  /** The record of a connection that has ended, if it is remembered. */
  ended(connectionId: ConnectionId): ConnectionRecord | undefined {
    const record = this.#remembered.get(connectionId);
    return record?.goneAt === undefined ? undefined : record;
  }

  /**
   * Deletes the record of a connection that has ended. If its creating request may be retried, or its client has to be told `refusal`,
   * the end is recorded instead.
   */
  forget(record: ConnectionRecord, refusal = this.ended(record.connectionId)?.refusal): Promise<void> {
    const { session, write } = this.#parts;
    const { connectionId, tokenHash } = record;
    const goneAt = this.#parts.now();
    if (this.#used.has(tokenHash)) this.#used.set(tokenHash, { connectionId, goneAt });
    if (!record.asked && !refusal) return write((store) => store.removeConnection(record, session.epoch));
    const gone = { ...record, goneAt, ...(refusal ? { refusal } : {}) };
    this.#remembered.delete(connectionId);
    this.#remembered.set(connectionId, gone);
    return write((store) => store.putConnection(gone, session.epoch));
  }

  /** Forgets connections that ended more than an hour ago, because a session may live for weeks. */
  sweep(): void {
    const now = this.#parts.now();
    if (now - this.#forgotAt < FORGET_EVERY_MS) return;
    this.#forgotAt = now;
    const isOver = (at: number | undefined): boolean => at !== undefined && now - at >= REMEMBERED_MS;
    const gone = [...this.#remembered.values()].filter(({ goneAt }) => goneAt !== undefined);
    for (const [at, record] of gone.entries())
      if (at < gone.length - MOST_GONE || isOver(record.goneAt)) this.#drop(record);
    for (const [token, { goneAt }] of this.#used) if (isOver(goneAt)) this.#used.delete(token);
    const expired = [...this.#unjoined.values()].filter((place) => this.#isExpired(place) && !place.busy);
    expired.sort((a, b) => b.record.expiresAt - a.record.expiresAt);
    for (const [at, { record }] of expired.entries()) {
      if (at >= MOST_EXPIRED || isOver(record.expiresAt)) this.#drop(record);
    }
  }

  #drop(record: ConnectionRecord): void {
    const { session, write } = this.#parts;
    this.#unjoined.delete(record.tokenHash);
    this.#remembered.delete(record.connectionId);
    // If this fails, the next owner finds the record and removes it.
    write((store) => store.removeConnection(record, session.epoch)).catch(() => {});
  }

  #isExpired({ record }: PendingPlace): boolean {
    return this.#parts.now() >= record.expiresAt;
  }

  async #make(
    { customIceServers, expiresInMs = TOKEN_EXPIRES_MS, ...options }: PlaceOptions,
    { connectionId, tokenSalt, asked }: Partial<PlaceNames> & Pick<PlaceNames, 'connectionId'>,
  ): Promise<ConnectionRecord> {
    const { session, secrets, write, requireRoom } = this.#parts;
    requireRoom?.();
    const { sessionId, uniqueSessionId, epoch } = session;
    const createdAt = this.#parts.now();
    const record: ConnectionRecord = {
      connectionId,
      sessionId,
      uniqueSessionId,
      ...secrets.seal({ connectionId, uniqueSessionId }, customIceServers, tokenSalt),
      ...options,
      createdAt,
      expiresAt: createdAt + expiresInMs,
      ...(asked ? { asked } : {}),
    };
    await write((store) => store.putConnection(record, epoch));
    this.#unjoined.set(record.tokenHash, { record, busy: false });
    if (record.asked) this.#remembered.set(record.connectionId, record);
    return record;
  }
}

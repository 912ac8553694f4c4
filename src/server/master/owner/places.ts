import { ProtocolError } from '../../../protocol/errors.ts';
import { type ConnectionId, newConnectionId, type TokenId } from '../../../protocol/ids.ts';
import type { Role } from '../../../protocol/model.ts';
import type { CustomIceServer } from '../../shared/ice-servers.ts';
import type { Asked, ConnectionRecord, SessionRecord, Store, TokenHash } from '../../store/store.ts';
import type { AttachmentId } from '../link/ports.ts';
import { isJoined } from './adoption.ts';
import { type ConnectionSecrets, hashToken } from './connection-secrets.ts';

/** For how long a token joins, unless its request says otherwise. */
export const TOKEN_EXPIRES_MS = 15 * 60 * 1000;
/** For how long after its end a connection is known to the request that has made it, to its token, and to its client. */
const REMEMBERED_MS = 60 * 60 * 1000;
/** So many connections that have ended are known; of more, the oldest are unknown. */
const MOST_GONE = 10_000;
const FORGET_EVERY_MS = 60 * 1000;
/** So many expired tokens are known by name; of more, the oldest are unknown. */
const MOST_EXPIRED = 10_000;

/** A join that is under way. */
export interface Joining {
  readonly key: string;
  /** The newest socket of its client. */
  latest: AttachmentId;
  /** Resolves when it has succeeded or failed. */
  readonly over: Promise<unknown>;
}

/** A place made through REST and not taken yet. `busy`: somebody is joining it, or changing it, at this moment. */
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

/** What a place is called whose request may be said again: the same each time. */
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
  /** Whether there may be one more. @throws {ProtocolError} LIMIT_REACHED */
  readonly requireRoom?: () => void;
}

/** The place that a token leads to, or why it leads to none. */
export type Claim =
  | { readonly kind: 'pending'; readonly place: PendingPlace }
  | { readonly kind: 'used'; readonly connectionId: ConnectionId }
  | { readonly kind: 'expired' }
  | { readonly kind: 'unknown' };

/**
 * The places of a session: those that wait for somebody to join, and what is remembered of those that were made by a request
 * which may be said again. Tokens are known by their hashes only.
 */
export class Places {
  readonly #parts: PlacesParts;
  /** Also those that have expired, for an hour, so that their tokens are refused by name. */
  readonly #unjoined = new Map<TokenHash, PendingPlace>();
  /** Tokens that have joined. `goneAt`: Unix time, ms, of the end of the connection. */
  readonly #used = new Map<TokenHash, { readonly connectionId: ConnectionId; readonly goneAt?: number }>();
  /**
   * Those whose requests may be said again, whatever has become of them, and those that were ended against their client's will. Those
   * that have ended are in the order of their ends.
   */
  readonly #remembered = new Map<ConnectionId, ConnectionRecord>();
  readonly #making = new Map<ConnectionId, Promise<ConnectionRecord>>();
  #forgotAt = 0;

  constructor(parts: PlacesParts) {
    this.#parts = parts;
  }

  /** Those that a client can join. */
  get pending(): readonly PendingPlace[] {
    return [...this.#unjoined.values()].filter((place) => !this.#isExpired(place));
  }

  /** What a former owner has left in the store. */
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

  /** The place has been joined. `false` when it was withdrawn meanwhile. */
  take(place: PendingPlace): boolean {
    const { tokenHash, connectionId } = place.record;
    if (!this.#unjoined.delete(tokenHash)) return false;
    this.#used.set(tokenHash, { connectionId });
    return true;
  }

  /**
   * Makes a place that a token can take. One that has been made under these names is found again as it was, even if it has been
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

  /** Changes a place that nobody has joined yet. @throws {ProtocolError} */
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

  /** Withdraws a place that nobody has joined. @throws {ProtocolError} */
  async remove(place: PendingPlace): Promise<void> {
    const { record } = place;
    // At once, so that nobody joins meanwhile.
    this.#unjoined.delete(record.tokenHash);
    try {
      await this.forget(record);
    } catch (error) {
      this.#unjoined.set(record.tokenHash, place);
      throw error;
    }
  }

  /** A connection that has ended and is remembered. */
  ended(connectionId: ConnectionId): ConnectionRecord | undefined {
    const record = this.#remembered.get(connectionId);
    return record?.goneAt === undefined ? undefined : record;
  }

  /**
   * Takes a connection that has ended off the books, or notes its end, if somebody may ask for it: its request, said again, or its
   * client, which is told `refusal`.
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

  /** Forgets what ended more than an hour ago: sessions live for weeks, and must not fill up with what has been. */
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
    // A record that stays in the store is found, and removed, by the next owner.
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

import { ProtocolError } from '../../../protocol/errors.ts';
import { type ConnectionId, newConnectionId, newTokenId, type TokenId } from '../../../protocol/ids.ts';
import type { Role } from '../../../protocol/model.ts';
import type { CustomIceServer } from '../../shared/ice-servers.ts';
import type { Asked, ConnectionRecord, SessionRecord, Store } from '../../store/store.ts';
import { isJoined } from './adoption.ts';

/** For how long after the end of a connection the request that has made it is known when it is said again. */
const REPEATABLE_MS = 60 * 60 * 1000;
const FORGET_EVERY_MS = 60 * 1000;

/** A place made through REST and not taken yet. `busy`: somebody is joining it, or changing it, at this moment. */
export interface PendingPlace {
  record: ConnectionRecord;
  busy: boolean;
}

export interface PlaceOptions {
  readonly role: Role;
  readonly serverData: string;
  readonly record: boolean;
  readonly customIceServers: readonly CustomIceServer[];
}

/** What a place is called whose request may be said again: the same each time. */
export interface PlaceNames {
  readonly connectionId: ConnectionId;
  readonly token: TokenId;
  readonly asked: Asked;
}

export interface PlacesParts {
  readonly session: SessionRecord;
  /** @throws {ProtocolError} EPOCH_STALE, UNAVAILABLE */
  readonly write: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  /** Whether there may be one more. @throws {ProtocolError} LIMIT_REACHED */
  readonly requireRoom?: () => void;
}

/**
 * The places of a session: those that wait for somebody to join, and what is remembered of those that were made by a request
 * which may be said again.
 */
export class Places {
  readonly pending = new Map<TokenId, PendingPlace>();
  readonly #parts: PlacesParts;
  /** By connection, whatever has become of them. */
  readonly #repeatable = new Map<ConnectionId, ConnectionRecord>();
  readonly #making = new Map<ConnectionId, Promise<ConnectionRecord>>();
  readonly #now: () => number;
  #forgotAt = 0;

  /** `now`: Unix time, ms. */
  constructor(parts: PlacesParts, now: () => number = Date.now) {
    this.#parts = parts;
    this.#now = now;
  }

  /** What a former owner has left in the store. */
  adopt(records: readonly ConnectionRecord[]): void {
    for (const record of records) {
      if (record.asked) this.#repeatable.set(record.connectionId, record);
      if (!record.goneAt && !isJoined(record)) this.pending.set(record.token, { record, busy: false });
    }
  }

  /**
   * Makes a place that a token can take. One that has been made under these names is found again as it was, even if it has been
   * joined or has ended since.
   * @throws {ProtocolError}
   */
  create(options: PlaceOptions, names?: PlaceNames): Promise<ConnectionRecord> {
    if (!names) return this.#make(options, { connectionId: newConnectionId(), token: newTokenId() });
    const { connectionId } = names;
    this.#forgetNowAndThen();
    const made = this.#repeatable.get(connectionId);
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
    this.pending.delete(record.token);
    try {
      await this.forget(record);
    } catch (error) {
      this.pending.set(record.token, place);
      throw error;
    }
  }

  /** Takes a connection that has ended off the books, or, if its request may be said again, notes its end. */
  forget(record: ConnectionRecord): Promise<void> {
    const { session, write } = this.#parts;
    if (!record.asked) return write((store) => store.removeConnection(record, session.epoch));
    const gone = { ...record, goneAt: this.#now() };
    this.#repeatable.set(record.connectionId, gone);
    return write((store) => store.putConnection(gone, session.epoch));
  }

  /** Who comes back to a session for weeks must not fill it with what has been. */
  #forgetNowAndThen(): void {
    const now = this.#now();
    if (now - this.#forgotAt < FORGET_EVERY_MS) return;
    this.#forgotAt = now;
    const { session, write } = this.#parts;
    for (const [id, record] of this.#repeatable) {
      if (!record.goneAt || now - record.goneAt < REPEATABLE_MS) continue;
      this.#repeatable.delete(id);
      // What stays in the store is found again, and tried again, by the next owner.
      write((store) => store.removeConnection(record, session.epoch)).catch(() => {});
    }
  }

  async #make(
    options: PlaceOptions,
    names: Pick<ConnectionRecord, 'connectionId' | 'token' | 'asked'>,
  ): Promise<ConnectionRecord> {
    const { session, write, requireRoom } = this.#parts;
    requireRoom?.();
    const { sessionId, uniqueSessionId, epoch } = session;
    const record: ConnectionRecord = { ...names, ...options, sessionId, uniqueSessionId, createdAt: this.#now() };
    await write((store) => store.putConnection(record, epoch));
    this.pending.set(record.token, { record, busy: false });
    if (record.asked) this.#repeatable.set(record.connectionId, record);
    return record;
  }
}

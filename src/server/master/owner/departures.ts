import type { Goodbye } from '../../../protocol/frames.ts';
import type { ConnectionId, UniqueSessionId } from '../../../protocol/ids.ts';
import type { Departed, LeaveReason } from '../../../protocol/model.ts';
import type { ConnectionRecord, JoinedRecord, SessionRecord, Store } from '../../store/store.ts';
import { acceptsKey } from './resume-keys.ts';

/** For how long after a takeover a member may still resume that has not been told of departures. */
const RESUMING_MS = 60_000;
/** How many departures a returning client is told. Older ones are forgotten, and the client waits for those in vain. */
const MOST_DEPARTED = 500;

export interface DeparturesParts {
  readonly session: SessionRecord;
  /** @throws {ProtocolError} EPOCH_STALE, UNAVAILABLE */
  readonly write: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  readonly tell: (departed: Departed) => void;
}

/**
 * Connections of former lives that no client continues, because it said goodbye or has left since. Without this list, members that
 * knew them before a crash would show their last picture until the grace period ends.
 */
export class Departures {
  readonly #parts: DeparturesParts;
  readonly #departed = new Map<ConnectionId, LeaveReason>();
  readonly #read = new Map<UniqueSessionId, Promise<void>>();

  #takenOverAt = Number.NEGATIVE_INFINITY;

  constructor(parts: DeparturesParts) {
    this.#parts = parts;
  }

  /** Call this after a takeover: members are about to resume. */
  takenOver(): void {
    this.#takenOverAt = performance.now();
  }

  /** In the order of their departure. */
  get all(): readonly Departed[] {
    return [...this.#departed].map(([connectionId, reason]) => ({ connectionId, reason }));
  }

  /** A member has left and continues none of its former connections. Members that resume after a takeover also need its present id. */
  left(record: ConnectionRecord, reason: LeaveReason): void {
    const isUntold = performance.now() - this.#takenOverAt < RESUMING_MS;
    for (const connectionId of isUntold ? placesOf(record) : (record.joined?.replaces ?? []))
      this.#add(connectionId, reason);
  }

  has(connectionId: ConnectionId): boolean {
    return this.#departed.has(connectionId);
  }

  /** Ends a connection of a former life for good. `false`: the client has not proven it, so nothing changes. @throws {ProtocolError} */
  async farewell(goodbye: Goodbye): Promise<boolean> {
    const { session, write } = this.#parts;
    const record = await write((store) => store.getConnection(goodbye.connectionId));
    if (!provesToBe(record, goodbye) || record.sessionId !== session.sessionId) return false;
    for (const connectionId of placesOf(record)) {
      if (this.#departed.has(connectionId)) continue;
      this.#add(connectionId, 'disconnect');
      this.#parts.tell({ connectionId, reason: 'disconnect' });
    }
    return true;
  }

  /** Reads which connections of a former life ended before this life began, once per life. @throws {ProtocolError} */
  readLife(former: UniqueSessionId): Promise<void> {
    const read = this.#read.get(former) ?? this.#readLife(former);
    this.#read.set(former, read);
    read.catch(() => this.#read.delete(former));
    return read;
  }

  async #readLife(former: UniqueSessionId): Promise<void> {
    for (const record of await this.#parts.write((store) => store.listConnections(former))) {
      if (record.leftAt === undefined) continue;
      for (const connectionId of placesOf(record)) this.#add(connectionId, 'disconnect');
    }
  }

  #add(connectionId: ConnectionId, reason: LeaveReason): void {
    this.#departed.set(connectionId, reason);
    const [oldest] = this.#departed.keys();
    if (this.#departed.size > MOST_DEPARTED && oldest !== undefined) this.#departed.delete(oldest);
  }
}

/** Whether the sender proves to be the client of this connection. */
export function provesToBe(
  record: ConnectionRecord | undefined,
  { uniqueSessionId, resumeKey }: Pick<Goodbye, 'uniqueSessionId' | 'resumeKey'>,
): record is ConnectionRecord & { readonly joined: JoinedRecord } {
  return (
    record?.joined !== undefined && record.uniqueSessionId === uniqueSessionId && acceptsKey(record.joined, resumeKey)
  );
}

function placesOf({ connectionId, joined }: ConnectionRecord): ConnectionId[] {
  return [connectionId, ...(joined?.replaces ?? [])];
}

import type { Goodbye } from '../../../protocol/frames.ts';
import type { ConnectionId, UniqueSessionId } from '../../../protocol/ids.ts';
import type { Departed, LeaveReason } from '../../../protocol/model.ts';
import type { ConnectionRecord, JoinedRecord, SessionRecord, Store } from '../../store/store.ts';
import { acceptsKey } from './resume-keys.ts';

/** How long after a takeover a member may still come back that was not told who has left since. */
const RESUMING_MS = 60_000;
/** So many are told to a client that comes back; of more, the oldest are forgotten, and it waits for them in vain. */
const MOST_DEPARTED = 500;

export interface DeparturesParts {
  readonly session: SessionRecord;
  /** @throws {ProtocolError} EPOCH_STALE, UNAVAILABLE */
  readonly write: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  readonly tell: (departed: Departed) => void;
}

/**
 * Places in former lives of a session that nobody goes on from: their clients said goodbye, or have left since. Members that know
 * them from before a crash would otherwise show their last picture until the time to come back is over.
 */
export class Departures {
  readonly #parts: DeparturesParts;
  readonly #departed = new Map<ConnectionId, LeaveReason>();
  readonly #read = new Map<UniqueSessionId, Promise<void>>();

  #takenOverAt = Number.NEGATIVE_INFINITY;

  constructor(parts: DeparturesParts) {
    this.#parts = parts;
  }

  /** The session has this owner only now: its members are on their way. */
  takenOver(): void {
    this.#takenOverAt = performance.now();
  }

  /** The latest last. */
  get all(): readonly Departed[] {
    return [...this.#departed].map(([connectionId, reason]) => ({ connectionId, reason }));
  }

  /** A member has left: it does not go on from its former places any more. Its present id is told to the members that are here. */
  left(record: ConnectionRecord, reason: LeaveReason): void {
    const isUntold = performance.now() - this.#takenOverAt < RESUMING_MS;
    for (const connectionId of isUntold ? placesOf(record) : (record.joined?.replaces ?? []))
      this.#add(connectionId, reason);
  }

  has(connectionId: ConnectionId): boolean {
    return this.#departed.has(connectionId);
  }

  /** The client of a place in a former life does not come back. `false`: without proof nothing happens. @throws {ProtocolError} */
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

  /** Learns which places of a former life were left before this life began. Reads the store once. @throws {ProtocolError} */
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

/** Whether the client of this place has sent the goodbye. */
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

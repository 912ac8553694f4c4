import type { RecoveryKind } from '../../src/client/recovery-events.ts';
import type { FailoverPolicy } from '../../src/server/store/store.ts';

/** What a person in a room did or was told. */
export type Deed =
  /** `connect()` has resolved. */
  | { readonly what: 'joined'; readonly connectionId: string }
  | { readonly what: 'joinFailed'; readonly code: string }
  /** The person leaves, of its own will. */
  | { readonly what: 'leaving' }
  | { readonly what: 'sent'; readonly id: string }
  /** The promise of a message has resolved, or rejected. */
  | { readonly what: 'resolved'; readonly id: string }
  | { readonly what: 'rejected'; readonly id: string; readonly code: string }
  | { readonly what: 'received'; readonly id: string }
  | { readonly what: 'reconnecting'; readonly plane: 'signaling' | 'media' }
  | { readonly what: 'reconnected'; readonly kind: RecoveryKind }
  | { readonly what: 'destroyed' }
  | { readonly what: 'rebuilt'; readonly connectionId: string }
  | { readonly what: 'disconnected'; readonly reason: string }
  /** An event about somebody: `subject` is the id of a connection or stream. */
  | { readonly what: 'saw'; readonly event: SeenEvent; readonly subject: string }
  | { readonly what: 'exception'; readonly name: string; readonly message: string };

export type SeenEvent = 'connectionCreated' | 'connectionDestroyed' | 'streamCreated' | 'streamDestroyed';

/** `at`: Unix time, ms, with fractions. `who`: name of one stay of a person in a room. */
export type Entry = Deed & { readonly at: number; readonly who: string };

/** A welcome that came over some socket: which life of the session it is, and under which epoch. */
export interface Welcome {
  /** The session's id. */
  readonly room: string;
  readonly connectionId: string;
  readonly uniqueSessionId: string;
  readonly epoch: number;
}

/** Everything that happened to everyone, in the order in which it was written down. */
export class History {
  readonly entries: Entry[] = [];
  readonly welcomes: Welcome[] = [];
  readonly #counts = new Map<Deed['what'], number>();
  readonly #rooms = new Map<string, FailoverPolicy>();
  readonly #roomOf = new Map<string, string>();

  addRoom(room: string, policy: FailoverPolicy): void {
    this.#rooms.set(room, policy);
  }

  /** A person appears who wants to be in a room. */
  addPerson(who: string, room: string): void {
    this.#roomOf.set(who, room);
  }

  add(who: string, deed: Deed, at = now()): void {
    this.entries.push({ ...deed, at, who });
    this.#counts.set(deed.what, this.count(deed.what) + 1);
  }

  /** How many entries of a kind there are. */
  count(what: Deed['what']): number {
    return this.#counts.get(what) ?? 0;
  }

  get rooms(): ReadonlyMap<string, FailoverPolicy> {
    return this.#rooms;
  }

  /** Who is or was in a room, in order of appearance. */
  get people(): readonly string[] {
    return [...this.#roomOf.keys()];
  }

  roomOf(who: string): string {
    const room = this.#roomOf.get(who);
    if (room === undefined) throw new Error(`Nobody knows ${who}.`);
    return room;
  }

  policyOf(who: string): FailoverPolicy {
    return this.#rooms.get(this.roomOf(who)) ?? 'rebuild';
  }
}

/** Unix time, ms, by a clock that browsers have as well. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

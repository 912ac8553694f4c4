import type { RecoveryKind } from '../../src/client/recovery-events.ts';
import type { FailoverPolicy } from '../../src/server/store/store.ts';

/** An action of a participant, or an event for it. */
export type Deed =
  /** `connect()` has resolved. */
  | { readonly what: 'joined'; readonly connectionId: string }
  | { readonly what: 'joinFailed'; readonly code: string }
  /** The participant leaves voluntarily. */
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
  /** An event about another participant: `subject` is the id of a connection or stream. */
  | { readonly what: 'saw'; readonly event: SeenEvent; readonly subject: string }
  | { readonly what: 'exception'; readonly name: string; readonly message: string };

export type SeenEvent = 'connectionCreated' | 'connectionDestroyed' | 'streamCreated' | 'streamDestroyed';

/** `at`: Unix time, ms, with fractions. `who`: name of one stay of a participant in a room. */
export type Entry = Deed & { readonly at: number; readonly who: string };

/** A welcome from any socket: the life of the session, and its epoch. */
export interface Welcome {
  /** The session's id. */
  readonly room: string;
  readonly connectionId: string;
  readonly uniqueSessionId: string;
  readonly epoch: number;
}

/** All entries of all participants, in the order of recording. */
export class History {
  readonly entries: Entry[] = [];
  readonly welcomes: Welcome[] = [];
  readonly #counts = new Map<Deed['what'], number>();
  readonly #rooms = new Map<string, FailoverPolicy>();
  readonly #roomOf = new Map<string, string>();

  addRoom(room: string, policy: FailoverPolicy): void {
    this.#rooms.set(room, policy);
  }

  /** Registers a participant that wants to join a room. */
  addPerson(who: string, room: string): void {
    this.#roomOf.set(who, room);
  }

  add(who: string, deed: Deed, at = now()): void {
    this.entries.push({ ...deed, at, who });
    this.#counts.set(deed.what, this.count(deed.what) + 1);
  }

  /** Number of entries of a kind. */
  count(what: Deed['what']): number {
    return this.#counts.get(what) ?? 0;
  }

  get rooms(): ReadonlyMap<string, FailoverPolicy> {
    return this.#rooms;
  }

  /** All participants, past and present, in order of appearance. */
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

/** Unix time, ms, by a clock that browsers share. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

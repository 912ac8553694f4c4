import { setTimeout as delay } from 'node:timers/promises';
import { ProtocolError } from '../../../protocol/errors.ts';
import { type ConnectionId, newResumeKey, type ResumeKey } from '../../../protocol/ids.ts';
import type { Logger } from '../../shared/logging.ts';
import type { SessionRecord, Store } from '../../store/store.ts';
import type { JoinedConnection, Member } from './member.ts';
import type { Places } from './places.ts';
import { hashResumeKey, sameKeys, withNextKey } from './resume-keys.ts';

/** How long a resume waits for the store to take a new resume key. */
const RENEW_KEY_MS = 300;

/** Makes the changed record; `undefined`: nothing is to be changed any more. Called more than once. */
export type RecordChange = (record: JoinedConnection) => JoinedConnection | undefined;

interface Waiting {
  readonly member: Member;
  readonly change: RecordChange;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

export interface MemberRecordsParts {
  readonly session: SessionRecord;
  readonly members: ReadonlyMap<ConnectionId, Member>;
  readonly places: Pick<Places, 'forget'>;
  /** Whether another key may be handed out now. */
  readonly mayRenewKey: () => boolean;
  /** @throws {ProtocolError} EPOCH_STALE, UNAVAILABLE */
  readonly write: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  readonly log: Logger;
}

/**
 * Changes the records of members, in the store first. One write follows the other, so that no change undoes another; those of one
 * moment share a write, as thousands of clients resume at once after a crash.
 */
export class MemberRecords {
  readonly #parts: MemberRecordsParts;
  /** Members whose keys in memory are ahead of those in the store. */
  readonly #behind = new Set<Member>();
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(parts: MemberRecordsParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the store and the member have the change, or it is not wanted any more. A member that has left meanwhile is
   * not put on the books again.
   * @throws {ProtocolError} EPOCH_STALE, UNAVAILABLE
   */
  change(member: Member, change: RecordChange): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ member, change, done, failed });
      void this.#write();
    });
  }

  /**
   * The key that a client resumes with next, once it has shown this one. A new key is handed out only when the store has it, as the
   * next owner must know it; a store that is slow or down delays nobody for long, and the key stays the same. So it does in a storm of
   * resumes, in which each write would hold up thousands of clients.
   * @throws {ProtocolError} EPOCH_STALE
   */
  async renewKey(member: Member, shown: ResumeKey): Promise<ResumeKey> {
    if (!this.#parts.mayRenewKey()) return shown;
    const key = newResumeKey();
    const [shownHash, next] = [hashResumeKey(shown), hashResumeKey(key)];
    let isWanted = true;
    const stored = this.change(member, (record) => (isWanted ? withNext(record, shownHash, next) : undefined)).then(
      () => 'stored' as const,
      (error: unknown) => (error instanceof ProtocolError && error.code === 'EPOCH_STALE' ? 'stale' : 'not'),
    );
    const late = new AbortController();
    const patience = delay(RENEW_KEY_MS, 'not' as const, { signal: late.signal }).catch(() => 'not' as const);
    const outcome = await Promise.race([stored, patience]);
    late.abort();
    if (outcome === 'stored') return key;
    isWanted = false;
    if (outcome === 'stale') throw new ProtocolError('EPOCH_STALE');
    return shown;
  }

  /** Another key for a client that has shown its join key. @throws {ProtocolError} EPOCH_STALE, UNAVAILABLE */
  async addKey(member: Member): Promise<ResumeKey> {
    const key = newResumeKey();
    const next = hashResumeKey(key);
    await this.change(member, (record) => withNext(record, undefined, next));
    return key;
  }

  /** The client has proven its newest key. The store is told soon, by `sweep()`: nobody waits for it. */
  proven(member: Member): void {
    this.#behind.add(member);
  }

  /** Tells the store which keys are not accepted any more. */
  sweep(): void {
    const { log } = this.#parts;
    for (const member of this.#behind) {
      this.#behind.delete(member);
      this.change(member, (record) => record).catch((error: unknown) => {
        log.debug({ err: error, connection: member.id }, 'The store keeps a resume key that is not accepted any more.');
        this.#behind.add(member);
      });
    }
  }

  async #write(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    while (this.#waiting.length > 0) {
      // All that comes in this turn of the loop.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#writeAll(this.#waiting.splice(0));
    }
    this.#writing = false;
  }

  async #writeAll(changes: readonly Waiting[]): Promise<void> {
    const { session, places, write } = this.#parts;
    const written = new Map<Member, JoinedConnection>();
    for (const { member, change } of changes) {
      const next = this.#isHere(member) && change(written.get(member) ?? member.record);
      if (next) written.set(member, next);
    }
    try {
      if (written.size > 0) await write((store) => store.putConnections([...written.values()], session.epoch));
      // Its client may have proven a key while the store was written to: what is in memory counts.
      for (const { member, change } of changes)
        if (written.has(member)) member.renew(change(member.record) ?? member.record);
      for (const [member, record] of written) {
        // It has left meanwhile, and must not stay on the books.
        if (!this.#isHere(member)) await places.forget(record).catch((error: unknown) => this.#kept(member, error));
        else if (!sameKeys(member.record.joined, record.joined)) this.#behind.add(member);
      }
      for (const { done } of changes) done();
    } catch (error) {
      for (const { failed } of changes) failed(error);
    }
  }

  #kept(member: Member, error: unknown): void {
    this.#parts.log.warn({ err: error, connection: member.id }, 'The store keeps a connection that has left.');
  }

  #isHere(member: Member): boolean {
    return this.#parts.members.get(member.id) === member;
  }
}

function withNext(record: JoinedConnection, shown: string | undefined, next: string): JoinedConnection | undefined {
  const joined = withNextKey(record.joined, shown, next);
  return joined && { ...record, joined };
}

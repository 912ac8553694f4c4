import { setTimeout as delay } from 'node:timers/promises';
import { ProtocolError } from '../../../protocol/errors.ts';
import { type ConnectionId, newResumeKey, type ResumeKey } from '../../../protocol/ids.ts';
import type { Logger } from '../../shared/logging.ts';
import type { SessionRecord, Store } from '../../store/store.ts';
import type { JoinedConnection, Member } from './member.ts';
import type { Places } from './places.ts';
import { hashResumeKey, sameKeys, withNextKey } from './resume-keys.ts';

/** How long a resume waits for the store to accept a new resume key. */
const RENEW_KEY_MS = 300;

/** Returns the changed record, or `undefined` if nothing is to be changed any more. May be called more than once. */
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
  /** Whether the process has budget for handing out another key. */
  readonly mayRenewKey: () => boolean;
  /** @throws {ProtocolError} EPOCH_STALE, UNAVAILABLE */
  readonly write: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  readonly log: Logger;
}

/**
 * Changes the records of members, in the store first. Writes are sequential, so that no change undoes another. Changes that
 * arrive together share a write, because thousands of clients resume at once after a crash.
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
   * Resolves when the store and the member have the change, or it is not wanted any more. The record of a member that has left
   * meanwhile is not restored.
   * @throws {ProtocolError} EPOCH_STALE, UNAVAILABLE
   */
  change(member: Member, change: RecordChange): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ member, change, done, failed });
      void this.#write();
    });
  }

  /**
   * Returns the key for the client's next resume, after it has shown this one. A new key is handed out only once the store has it,
   * because the next owner must know it. If the store is slow or down, or many clients resume at once, the key stays the same: no
   * resume may wait long for this write.
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

  /** Creates a key for a client that has shown its join key. @throws {ProtocolError} EPOCH_STALE, UNAVAILABLE */
  async addKey(member: Member): Promise<ResumeKey> {
    const key = newResumeKey();
    const next = hashResumeKey(key);
    await this.change(member, (record) => withNext(record, undefined, next));
    return key;
  }

  /** The client has proven its newest key. `sweep()` tells the store later, so that no request waits for it. */
  proven(member: Member): void {
    this.#behind.add(member);
  }

  /** Tells the store which keys are no longer accepted. */
  sweep(): void {
    const { log } = this.#parts;
    for (const member of this.#behind) {
      this.#behind.delete(member);
      this.change(member, (record) => record).catch((error: unknown) => {
        log.debug(
          { err: error, connection: member.id },
          'Failed to remove an old resume key from the store; trying again.',
        );
        this.#behind.add(member);
      });
    }
  }

  async #write(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    while (this.#waiting.length > 0) {
      // Collects all changes of this turn of the event loop.
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
      // The client may have proven a key during the write, so the change is applied to the record in memory.
      for (const { member, change } of changes)
        if (written.has(member)) member.renew(change(member.record) ?? member.record);
      for (const [member, record] of written) {
        // A member that left during the write must not stay in the store.
        if (!this.#isHere(member)) await places.forget(record).catch((error: unknown) => this.#kept(member, error));
        else if (!sameKeys(member.record.joined, record.joined)) this.#behind.add(member);
      }
      for (const { done } of changes) done();
    } catch (error) {
      for (const { failed } of changes) failed(error);
    }
  }

  #kept(member: Member, error: unknown): void {
    this.#parts.log.warn({ err: error, connection: member.id }, 'Failed to delete a connection from the store.');
  }

  #isHere(member: Member): boolean {
    return this.#parts.members.get(member.id) === member;
  }
}

function withNext(record: JoinedConnection, shown: string | undefined, next: string): JoinedConnection | undefined {
  const joined = withNextKey(record.joined, shown, next);
  return joined && { ...record, joined };
}

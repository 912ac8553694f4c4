import { ProtocolError } from '../../../protocol/errors.ts';
import type { ConnectionId, Seq } from '../../../protocol/ids.ts';
import type { Logger } from '../../shared/logging.ts';
import type { KeptSignal, SessionRecord, Store } from '../../store/store.ts';
import type { Member } from './member.ts';

/** Signals that arrive within this time share one write. */
const BATCH_MS = 20;

export interface KeptSignalsParts {
  readonly session: SessionRecord;
  readonly members: ReadonlyMap<ConnectionId, Member>;
  /** @throws {ProtocolError} EPOCH_STALE, UNAVAILABLE */
  readonly write: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  /** Puts a signal into a member's outbox; evicts the member if it doesn't fit. */
  readonly tell: (member: Member, signal: KeptSignal['signal']) => void;
  readonly log: Logger;
}

type Found = Awaited<ReturnType<Store['listSignals']>>;

/**
 * Stores signals for members that are away, so that senders need not wait for their return and a crash of this owner loses nothing.
 * Meanwhile the outbox drops their content; it is put back when the member returns.
 */
export class KeptSignals {
  readonly #parts: KeptSignalsParts;
  /** Members with stored signals: under which connection ids, and the number of the last. */
  readonly #kept = new Map<Member, { readonly ids: readonly ConnectionId[]; readonly number: number }>();
  /** Whether a batch is on its way to the store, and whether another must follow. */
  #batch: 'none' | 'one' | 'another' = 'none';
  /** Evicted members that may join again under another id, and get the stored signals then. */
  readonly #putOut = new WeakSet<Member>();
  /** Chains the writes, so that no signal is stored twice. */
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: KeptSignalsParts) {
    this.#parts = parts;
  }

  /** Puts signals stored by former owners into these members' outboxes. @throws {ProtocolError} UNAVAILABLE */
  async adopt(members: readonly Member[]): Promise<void> {
    // A member that has rebuilt may not have received the signals stored under its former ids.
    const memberOf = new Map(
      members.flatMap((member) => [member.id, ...(member.record.joined.replaces ?? [])].map((id) => [id, member])),
    );
    const found = new Map<Member, Found>();
    for (const one of await this.find([...memberOf.keys()])) {
      const member = memberOf.get(one.connectionId);
      if (!member) continue;
      const own = found.get(member);
      if (own) own.push(one);
      else found.set(member, [one]);
    }
    for (const [member, own] of found) {
      this.give(member, own);
      member.outbox.dropKept();
    }
  }

  /** Restores the content of the stored signals when the member returns. @throws {ProtocolError} UNAVAILABLE */
  putBack(member: Member): Promise<void> {
    // Queued behind the writes, so that the outbox and the store agree on which signals are stored.
    const work = this.#writing.then(async () => {
      const kept = this.#kept.get(member);
      if (!kept || member.outbox.absent === 0) return;
      const found = await this.find(kept.ids);
      member.outbox.putBack(found.flatMap(({ number, signal }) => (number <= kept.number ? signal : [])));
    });
    this.#writing = work.catch(() => {});
    return work;
  }

  /**
   * The signals stored for these connections, including those of former lives.
   * @throws {ProtocolError} UNAVAILABLE
   */
  find(connections: readonly ConnectionId[]): Promise<Found> {
    return this.#parts.write((store) => store.listSignals(connections));
  }

  /** Puts signals stored for this member, under its present or former ids, into its outbox. */
  give(member: Member, found: Found): void {
    const last = found.at(-1);
    if (!last) return;
    for (const { signal } of found) this.#parts.tell(member, signal);
    if (this.#parts.members.get(member.id) !== member) return;
    member.outbox.kept(member.outbox.last);
    const ids = [...new Set([member.id, ...found.map(({ connectionId }) => connectionId)])];
    this.#kept.set(member, { ids, number: last.number });
  }

  /** Stores the signals of members that are known to be away, together with those that follow within 20 ms. */
  keepSoon(): void {
    // Only a single batch runs at a time, even if the store is slow: the next takes all signals that arrive meanwhile.
    if (this.#batch !== 'none') {
      this.#batch = 'another';
      return;
    }
    this.#batch = 'one';
    setTimeout(async () => {
      await this.keep([...this.#parts.members.values()].filter(({ isKnownAway }) => isKnownAway));
      const isOver = this.#batch !== 'another';
      this.#batch = 'none';
      if (!isOver) this.keepSoon();
    }, BATCH_MS);
  }

  /** Stores these members' signals. If the store refuses them now, the next `keepSoon()` tries again. */
  keep(members: readonly Member[]): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write(members));
    return this.#writing;
  }

  /** Call this when the member has acknowledged something: signals that have arrived need not stay in the store. */
  arrived(member: Member): void {
    if (this.#kept.has(member) && !member.outbox.holdsKept) this.forget(member);
  }

  /**
   * Stores what an evicted member has not acknowledged, for the connection that it joins with next. The senders get their answer only
   * after that. Resolves when they have been answered.
   */
  bequeath(member: Member): Promise<void> {
    this.#putOut.add(member);
    this.#writing = this.#writing.then(async () => {
      const { session, write, log } = this.#parts;
      const kept = member.outbox.unkept().map((signal) => ({ connectionId: member.id, signal }));
      try {
        if (kept.length > 0) await write((store) => store.keepSignals(session.uniqueSessionId, session.epoch, kept));
        member.outbox.close();
      } catch (error) {
        log.warn({ err: error, connection: member.id }, 'Failed to keep signals for an evicted client.');
        member.outbox.close(new ProtocolError('OUTBOX_OVERFLOW', `${member.id} does not read what it is sent`));
      }
    });
    return this.#writing;
  }

  /** Deletes the member's signals from the store. */
  forget(member: Member): void {
    const kept = this.#kept.get(member);
    if (!kept) return;
    this.#kept.delete(member);
    const { session, write, log } = this.#parts;
    const { uniqueSessionId, epoch } = session;
    write((store) => store.forgetSignals(uniqueSessionId, epoch, kept.ids, kept.number)).catch((error: unknown) =>
      // If a later owner sends them again, the client recognises their numbers or ids and drops them.
      log.debug({ err: error, connection: member.id }, 'Failed to delete delivered signals from the store.'),
    );
  }

  #isKept(member: Member, upTo: Seq): void {
    member.outbox.kept(upTo);
    if (member.isKnownAway && !member.isReturning) member.outbox.dropKept();
  }

  async #write(members: readonly Member[]): Promise<void> {
    const { session, write, log } = this.#parts;
    const all = members.map((member) => ({ member, upTo: member.outbox.last, signals: member.outbox.unkept() }));
    for (const { member, upTo, signals } of all) if (signals.length === 0) this.#isKept(member, upTo);
    const waiting = all.filter(({ signals }) => signals.length > 0);
    if (waiting.length === 0) return;
    const kept = waiting.flatMap(({ member, signals }) =>
      signals.map((signal) => ({ connectionId: member.id, signal })),
    );
    try {
      const number = await write((store) => store.keepSignals(session.uniqueSessionId, session.epoch, kept));
      for (const { member, upTo } of waiting) {
        this.#kept.set(member, { ids: this.#kept.get(member)?.ids ?? [member.id], number });
        this.#isKept(member, upTo);
        // The member may have returned, or left for good, during the write.
        if (this.#parts.members.get(member.id) === member) this.arrived(member);
        else if (!this.#putOut.has(member)) this.forget(member);
      }
    } catch (error) {
      log.warn({ err: error }, 'Failed to keep signals for absent clients; their senders wait.');
    }
  }
}

import { ProtocolError } from '../../../protocol/errors.ts';
import type { ConnectionId, Seq } from '../../../protocol/ids.ts';
import type { Logger } from '../../shared/logging.ts';
import type { KeptSignal, SessionRecord, Store } from '../../store/store.ts';
import type { Member } from './member.ts';

/** What comes within so long is kept with one write. */
const BATCH_MS = 20;

export interface KeptSignalsParts {
  readonly session: SessionRecord;
  readonly members: ReadonlyMap<ConnectionId, Member>;
  /** @throws {ProtocolError} EPOCH_STALE, UNAVAILABLE */
  readonly write: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  /** Puts a signal into a member's outbox; one that cannot hold it is put out. */
  readonly tell: (member: Member, signal: KeptSignal['signal']) => void;
  readonly log: Logger;
}

type Found = Awaited<ReturnType<Store['listSignals']>>;

/**
 * Signals for those who are away, in the store: whoever has said one need not wait until they are back, and it outlives this
 * owner. While they are away, what is kept is not in their outboxes, too; it is put back when they return.
 */
export class KeptSignals {
  readonly #parts: KeptSignalsParts;
  /** For whom there are some in the store, under which of its ids, and the number of the last. */
  readonly #kept = new Map<Member, { readonly ids: readonly ConnectionId[]; readonly number: number }>();
  /** What is on its way to the store: nothing, a batch, or one with another to follow. */
  #batch: 'none' | 'one' | 'another' = 'none';
  /** Members that were put out and take other places, where they get what is kept. */
  readonly #putOut = new WeakSet<Member>();
  /** One write follows the other, so that nothing is kept twice. */
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: KeptSignalsParts) {
    this.#parts = parts;
  }

  /** Puts what former owners have kept for these members into their outboxes. @throws {ProtocolError} UNAVAILABLE */
  async adopt(members: readonly Member[]): Promise<void> {
    // One that has rebuilt from former places may not have got yet what was kept for it there.
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

  /** The member returns: what was left to the store is put back. @throws {ProtocolError} UNAVAILABLE */
  putBack(member: Member): Promise<void> {
    // In turn with the writes, so that what the outbox takes for kept is what the store has.
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
   * What was kept for these connections, also in lives of the session that crashes have ended.
   * @throws {ProtocolError} UNAVAILABLE
   */
  find(connections: readonly ConnectionId[]): Promise<Found> {
    return this.#parts.write((store) => store.listSignals(connections));
  }

  /** Puts what was kept, for this member or for what it was in former lives, into its outbox. */
  give(member: Member, found: Found): void {
    const last = found.at(-1);
    if (!last) return;
    for (const { signal } of found) this.#parts.tell(member, signal);
    if (this.#parts.members.get(member.id) !== member) return;
    member.outbox.kept(member.outbox.last);
    const ids = [...new Set([member.id, ...found.map(({ connectionId }) => connectionId)])];
    this.#kept.set(member, { ids, number: last.number });
  }

  /** Keeps what those are to get who are known to be away, soon. */
  keepSoon(): void {
    // One at a time, also while the store takes long: the next takes all that has come meanwhile.
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

  /** Keeps what these are to get. What the store does not take now is tried again by the next `keepSoon()`. */
  keep(members: readonly Member[]): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write(members));
    return this.#writing;
  }

  /** The member has acknowledged something: what has arrived need not be kept. */
  arrived(member: Member): void {
    if (this.#kept.has(member) && !member.outbox.holdsKept) this.forget(member);
  }

  /**
   * The member is put out, as it does not read what it is sent, and has left the session. What it has not acknowledged is kept for the
   * place that it takes next, and only then acknowledged to its senders. Resolves when they have been told.
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
        log.warn({ err: error, connection: member.id }, 'Signals for a client that was put out could not be kept.');
        member.outbox.close(new ProtocolError('OUTBOX_OVERFLOW', `${member.id} does not read what it is sent`));
      }
    });
    return this.#writing;
  }

  /** Nothing is to be kept for this member any more. */
  forget(member: Member): void {
    const kept = this.#kept.get(member);
    if (!kept) return;
    this.#kept.delete(member);
    const { session, write, log } = this.#parts;
    const { uniqueSessionId, epoch } = session;
    write((store) => store.forgetSignals(uniqueSessionId, epoch, kept.ids, kept.number)).catch((error: unknown) =>
      // Told again by the next owner, they are known by their numbers or ids, and dropped.
      log.debug({ err: error, connection: member.id }, 'The store keeps signals that have arrived.'),
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
        // It may be back, or gone for good, by now.
        if (this.#parts.members.get(member.id) === member) this.arrived(member);
        else if (!this.#putOut.has(member)) this.forget(member);
      }
    } catch (error) {
      log.warn({ err: error }, 'Signals for those who are away could not be kept; who has sent them waits.');
    }
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import type { CloseCode } from '../../../protocol/close-codes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Goodbye, IceServer, ServerEventName, ServerEvents, WelcomeFrame } from '../../../protocol/frames.ts';
import type { ConnectionId, Seq } from '../../../protocol/ids.ts';
import type { LeaveReason, ResumeRefusal } from '../../../protocol/model.ts';
import type { Inventory } from '../../media-node/api.ts';
import { ByteBudget } from '../../shared/byte-budget.ts';
import { MACHINE_CLOCK } from '../../shared/clock.ts';
import type { InstanceId } from '../../shared/identity.ts';
import type { Logger } from '../../shared/logging.ts';
import type { Timing } from '../../shared/timing.ts';
import { type EndReason, type SessionRecord, type Store, StoreError } from '../../store/store.ts';
import { BUDGETS, type ProcessBudgets } from '../budgets.ts';
import type { LiveNode } from '../cluster/directory.ts';
import type { AttachRequest, EdgePort, Upward } from '../link/ports.ts';
import { Admission } from './admission.ts';
import { adoptMembers } from './adoption.ts';
import { requireConnection } from './caps.ts';
import type { ConnectionSecrets } from './connection-secrets.ts';
import { Departures } from './departures.ts';
import { Hosting } from './hosting.ts';
import { KeptSignals } from './kept-signals.ts';
import type { MediaRoom, Placed, Placement } from './media-room.ts';
import type { Member } from './member.ts';
import { MemberRecords } from './member-records.ts';
import { MissedSignals } from './missed-signals.ts';
import { type Owned, Ownership } from './ownership.ts';
import { type PendingPlace, Places } from './places.ts';
import { Relocation } from './relocation.ts';
import { type Answer, RequestIntake } from './request-intake.ts';
import { RoomsLeft } from './rooms-left.ts';
import { ServerSignals } from './server-signals.ts';
import type { SessionChronicle, SessionFact } from './session-chronicle.ts';
import { requireRoom } from './signal-room.ts';
import { Streams } from './streams.ts';

/** How long an end waits for the store to know of it. It is written down later, then; nobody waits for it. */
const STORE_PATIENCE_MS = 1_000;

/**
 * An absence that is shorter is told to nobody. When a master crashes, thousands are away for a second or two, and telling each
 * of them of all the others, twice, was most of the work that they waited for.
 */
const UNTOLD_MS = 2_000;

/**
 * So many events are kept for a client that is away, or as many as there are members if those are more: a snapshot says the same with
 * less. Few are kept, as they tell what no snapshot does, e.g. why a stream has ended.
 */
const EVENTS_KEPT = 50;

interface LeaveOptions {
  readonly closeCode?: CloseCode;
  /** What its client is told if it comes back; default: the reason, if it has not left by itself. */
  readonly refusal?: ResumeRefusal;
}

/** What a session needs of the process around it. */
export interface SessionSurroundings {
  readonly self: InstanceId;
  readonly store: Store;
  readonly placement: Placement;
  readonly timing: Timing;
  readonly log: Logger;
  readonly chronicle: SessionChronicle;
  readonly budgets: ProcessBudgets;
  /** For clients that are given none of their own. */
  readonly iceServers: readonly IceServer[];
  readonly secrets: ConnectionSecrets;
  /** The session is over here: it is taken off the books, and resolves when the store knows how it ended. */
  readonly ended: (session: OwnedSession, reason: EndReason | 'steppedDown') => Promise<void>;
}

/** A session as its one owner keeps it. Everything that is decided for the session is decided here. */
export class OwnedSession {
  readonly record: SessionRecord;
  readonly members = new Map<ConnectionId, Member>();
  readonly places: Places;
  readonly records: MemberRecords;
  readonly secrets: ConnectionSecrets;
  readonly serverSignals = new ServerSignals(this);
  readonly keptSignals: KeptSignals;
  readonly missedSignals: MissedSignals;
  readonly departures: Departures;
  readonly streams = new Streams(this);
  /** Of what waits for its members, and of theirs. */
  readonly bytes: ByteBudget;
  readonly log: Logger;
  readonly #around: SessionSurroundings;
  readonly relocation: Relocation;
  /** Rooms that the media has moved away from and that clients still show. */
  readonly roomsLeft: RoomsLeft;
  readonly #hosting: Hosting;
  readonly #admission: Admission;
  readonly #intake: RequestIntake;
  readonly #ownership = new Ownership(() => this.#isOwned());
  #state: 'open' | 'frozen' | 'ended' = 'open';
  #leaving: Promise<unknown> = Promise.resolve();
  #noted: Promise<void> = Promise.resolve();

  constructor(record: SessionRecord, around: SessionSurroundings) {
    this.record = record;
    this.#around = around;
    this.log = around.log.child({ session: record.uniqueSessionId, epoch: record.epoch });
    this.secrets = around.secrets;
    this.bytes = new ByteBudget(BUDGETS.sessionBytes, around.budgets.bytes);
    this.#intake = new RequestIntake(this, around.budgets);
    this.places = new Places({
      session: record,
      secrets: around.secrets,
      write: (work) => this.write(work),
      requireRoom: () => requireConnection(this),
      now: () => around.store.now(),
    });
    this.records = new MemberRecords({
      session: record,
      members: this.members,
      places: this.places,
      mayRenewKey: () => around.budgets.keyRenewals.take(1),
      write: (work) => this.write(work),
      log: this.log,
    });
    this.missedSignals = new MissedSignals(() => around.store.now() - record.createdAt);
    this.departures = new Departures({
      session: record,
      write: (work) => this.write(work),
      tell: (departed) => this.broadcast('connectionDestroyed', departed),
    });
    this.keptSignals = new KeptSignals({
      session: record,
      members: this.members,
      write: (work) => this.write(work),
      tell: (member, signal) => this.tell(member, 'signal', signal),
      log: this.log,
    });
    this.roomsLeft = new RoomsLeft({
      clock: MACHINE_CLOCK,
      over: (mediaId) => this.broadcast('mediaLeft', { mediaId }),
    });
    this.#hosting = new Hosting({
      record,
      owner: around.self,
      placement: around.placement,
      log: this.log,
      placed: (mediaNode) => this.write((store) => store.placeSession(record.uniqueSessionId, record.epoch, mediaNode)),
      isOpen: () => this.isOpen,
      gone: (room) => void this.relocation.lost(room),
      left: this.roomsLeft,
    });
    this.relocation = new Relocation({
      hosting: this.#hosting,
      left: this.roomsLeft,
      failover: record.failover,
      log: this.log,
      clock: MACHINE_CLOCK,
      ownerlessGraceMs: around.timing.ownerlessGraceMs,
      isOpen: () => this.isOpen,
      guests: () =>
        [...this.members.values()].flatMap(({ id, transports, presence }) =>
          transports.size > 0
            ? { client: id, transports: [...transports.keys()], isHere: presence.kind === 'here' }
            : [],
        ),
      ask: (members, question) => {
        for (const id of members) {
          const member = this.members.get(id);
          if (member) this.tell(member, 'mediaDoubted', question);
        }
      },
      loseMedia: () => {
        for (const member of this.members.values()) member.loseMedia();
      },
      moved: (news) => this.broadcast('mediaMoved', news),
      crash: () => this.crash(),
    });
    this.#admission = new Admission(this, around.timing.resumeGraceMs, around.iceServers);
  }

  /**
   * Takes over what a crashed owner had: `record` has been claimed for this master. Everyone is away at first, and
   * resumes. Who says hello meanwhile waits for it.
   * @throws {ProtocolError} UNAVAILABLE when the media node does not answer
   */
  async adopt(node: LiveNode | undefined): Promise<void> {
    const connections = await this.write((store) => store.listConnections(this.record.uniqueSessionId));
    let inventory: Inventory | undefined;
    if (this.record.mediaNode) inventory = await this.#hosting.adopt(node);
    for (const [id, member] of adoptMembers(connections, inventory)) {
      this.members.set(id, member);
      member.outbox.drawOn(this.bytes);
    }
    this.places.adopt(connections);
    this.departures.takenOver();
    await this.keptSignals.adopt([...this.members.values()]);
    this.note({ kind: 'takenOver', createdAt: this.record.createdAt, members: [...this.members.values()] });
    // Its role may have been changed with the former owner's last breath.
    for (const member of this.members.values())
      if (member.record.role === 'SUBSCRIBER') this.streams.forbidAllOf(member);
    // They said goodbye while nobody owned the session.
    for (const member of [...this.members.values()])
      if (member.record.leftAt !== undefined) void this.leave(member, 'disconnect');
    this.log.warn({ members: this.members.size, mediaNode: this.record.mediaNode }, 'The session is taken over.');
    // Somebody who left at the very moment of the crash, and was the last. A place that waits may be the first one's, though,
    // for whom the media was just being placed.
    if (this.record.mediaNode && this.members.size + this.pending.length === 0) void this.end('lastParticipantLeft');
    else this.relocation.leaveIfDraining();
  }

  /** Places that wait for somebody to join. */
  get pending(): readonly PendingPlace[] {
    return this.places.pending;
  }

  /** The media node's room, once the first member has joined. */
  get room(): MediaRoom | undefined {
    return this.#hosting.room;
  }

  /** @throws {ProtocolError} UNAVAILABLE */
  async media(): Promise<Placed> {
    if (this.room) return this.#hosting.media();
    const placed = await this.#hosting.media();
    this.relocation.leaveIfDraining();
    return placed;
  }

  /**
   * Resolves when what is to be known before the session's end is: who has left, as the store takes nothing more after that, and,
   * unless it takes long, what the chronicle is to tell before the next life begins.
   */
  get accounts(): Promise<unknown> {
    return Promise.all([
      this.#leaving,
      Promise.race([this.#noted, delay(STORE_PATIENCE_MS, undefined, { ref: false })]),
    ]);
  }

  get isOpen(): boolean {
    return this.#state !== 'ended';
  }

  /** It is being handed over: what clients ask for now, they ask the next owner for. */
  get isFrozen(): boolean {
    return this.#state === 'frozen';
  }

  /** Takes nothing from clients any more; `false` when it is over. What is not answered is asked again. */
  freeze(): boolean {
    if (this.#state !== 'open') return false;
    this.#state = 'frozen';
    return true;
  }

  /** Nobody has taken it: it goes on here. Clients resume, as what they asked meanwhile was not taken. */
  unfreeze(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'open';
    for (const { presence } of this.members.values()) {
      if (presence.kind === 'here') presence.edge.down({ attachment: presence.attachment, close: 4503 });
    }
  }

  /** Another master is the owner now: clients resume there, over the same sockets. */
  handedOver(): void {
    if (!this.isOpen) return;
    this.#state = 'ended';
    this.relocation.end(true);
    this.log.info('The session is handed over.');
    void this.#around.ended(this, 'steppedDown');
    for (const { presence } of this.members.values()) {
      if (presence.kind !== 'here') continue;
      presence.edge.down({ attachment: presence.attachment, release: { t: 'moved' } });
    }
    this.#dismiss();
  }

  /** @throws {ProtocolError} */
  attach(request: AttachRequest, edge: EdgePort): Promise<WelcomeFrame> {
    return this.#admission.attach(request, edge);
  }

  /** What an edge passes on from a member's client. `false`: the attachment no longer serves this member. */
  up(member: Member, item: Upward): boolean {
    if (member.presence.kind !== 'here' || member.presence.attachment !== item.attachment) return false;
    if ('still' in item) {
      if (item.reads) member.outbox.progressed();
      return true;
    }
    if ('frame' in item && member.proveKey()) this.records.proven(member);
    if ('gone' in item) this.#away(member, item.attachment);
    else if (item.frame.t === 'ack') this.#acknowledged(member, item.frame.seq);
    else if (!this.isFrozen) this.#intake.take(member, item.frame);
    return true;
  }

  /** Something has happened that the session's chronicle is to know of. */
  note(fact: SessionFact): void {
    this.#noted = this.#around.chronicle.tell(this.record, fact);
  }

  /** To everyone but `except`. */
  broadcast<E extends ServerEventName>(event: E, data: ServerEvents[E], except?: Member): void {
    for (const member of [...this.members.values()]) if (member !== except) this.tell(member, event, data);
  }

  /**
   * To all of them, or to none.
   * @throws {ProtocolError} OUTBOX_OVERFLOW one of them, or the session, has too much that waits
   */
  signal(signal: ServerEvents['signal'], recipients: readonly Member[]): void {
    requireRoom(signal, recipients, this.bytes);
    for (const recipient of recipients) this.tell(recipient, 'signal', signal);
  }

  tell<E extends ServerEventName>(member: Member, event: E, data: ServerEvents[E]): void {
    const { outbox, isKnownAway, isReturning } = member;
    // A resume that has begun goes on with what was kept for it.
    if (isKnownAway && !isReturning && outbox.events >= Math.max(EVENTS_KEPT, this.members.size)) outbox.dropEvents();
    if (!member.tell(event, data)) this.#overflow(member);
    else if (event === 'signal' && member.isKnownAway) this.keptSignals.keepSoon();
  }

  /**
   * Ends a member's place. The session ends with its last. Resolves when the store knows, or has not answered in time: a client that
   * is away is told on its return, by whichever master then owns the session, why it has no place any more.
   */
  leave(member: Member, reason: LeaveReason, { closeCode = 4000, refusal }: LeaveOptions = {}): Promise<void> {
    if (!this.members.delete(member.id)) return Promise.resolve();
    this.log.info({ connection: member.id, reason }, 'A connection has left.');
    if (reason !== 'disconnect') member.tell('evicted', { reason });
    const { presence } = member;
    if (presence.kind === 'here') presence.edge.down({ attachment: presence.attachment, close: closeCode });
    this.#intake.forget(member);
    const settled = this.#settleSignals(member, refusal);
    for (const key of member.transports.keys()) void this.room?.closings.close('closeTransport', key);
    for (const [streamId, publication] of member.publications) {
      publication.end();
      this.streams.forget(streamId);
    }
    this.relocation.forget(member.id);
    // It would go on receiving from a media node that could not be told.
    if (reason.startsWith('force')) this.relocation.commandFailed();
    this.broadcast('connectionDestroyed', { connectionId: member.id, reason });
    this.note({ kind: 'left', connectionId: member.id, reason });
    this.departures.left(member.record, reason);
    if (!this.isOpen) return settled;
    const known = this.places
      .forget(member.record, refusal ?? (reason === 'disconnect' ? undefined : reason))
      .catch((error: unknown) => this.log.warn({ err: error, connection: member.id }, 'The store keeps a connection.'));
    this.#leaving = Promise.all([this.#leaving, known, settled]);
    if (this.members.size === 0) void this.end('lastParticipantLeft');
    return known;
  }

  /** A client has left for good, in this life or in a former one. Resolves when the store knows. @throws {ProtocolError} */
  async farewell(goodbye: Goodbye): Promise<void> {
    const { connectionId, uniqueSessionId, resumeKey } = goodbye;
    if (uniqueSessionId === this.record.uniqueSessionId) {
      const member = this.members.get(connectionId);
      if (member?.provesToBe(resumeKey)) await this.leave(member, 'disconnect');
    } else if (await this.departures.farewell(goodbye)) {
      // Its page closed before it had heard that it has a place here.
      const back = [...this.members.values()].filter(({ record }) => record.joined.replaces?.includes(connectionId));
      await Promise.all(back.map((member) => this.leave(member, 'disconnect')));
    }
  }

  /**
   * Members away for longer than the grace leave; of those away for a while the others are told. Called by a sweep; `now` as
   * `performance.now()`.
   */
  sweep(now: number): void {
    // Who is away, and for how long, is the next owner's to say.
    if (this.isFrozen) return;
    this.places.sweep();
    this.records.sweep();
    void this.room?.closings.sweep();
    const { resumeGraceMs } = this.#around.timing;
    for (const member of [...this.members.values()]) {
      const { presence } = member;
      if (member.behindMs(now) > BUDGETS.farBehindMs) {
        this.#overflow(member);
        continue;
      }
      if (presence.kind === 'here') {
        // Its pings are answered by its browser, or by a proxy: they don't say that it gets what it is sent.
        if (member.outbox.overdueMs(presence.since) > BUDGETS.overdueMs) member.askToResume();
        continue;
      }
      if (member.isReturning) continue;
      const awayMs = now - presence.since;
      if (awayMs > resumeGraceMs) void this.leave(member, 'networkDisconnect');
      else if (awayMs > Math.min(UNTOLD_MS, resumeGraceMs / 2) && !presence.told) {
        member.becomeKnownAway();
        this.broadcast('connectionPresence', { connectionId: member.id, presence: 'away' }, member);
      }
      // Those of before it was known, and those that the store has not taken so far.
      if (member.isKnownAway) this.keptSignals.keepSoon();
    }
  }

  /** Asks the edges whether they still have the sockets of the members: word of one that went may have been lost. */
  audit(): void {
    for (const { presence } of this.members.values()) {
      if (presence.kind === 'here') presence.edge.down({ attachment: presence.attachment, still: true });
    }
  }

  /** Everyone at an edge that has crashed is away. */
  edgeDied(edge: InstanceId): void {
    for (const member of this.members.values()) {
      const { presence } = member;
      if (presence.kind === 'here' && presence.attachment.startsWith(`${edge}#`))
        this.#away(member, presence.attachment);
    }
  }

  /** The orderly end: everyone is told why, the media is closed, the store remembers. */
  async end(reason: Exclude<EndReason, 'nodeCrashed'>): Promise<void> {
    if (!this.isOpen) return;
    this.#state = 'ended';
    for (const member of [...this.members.values()])
      void this.leave(member, 'sessionClosedByServer', { closeCode: 4410 });
    this.room?.attempt('closeRoom', {});
    this.relocation.end(false);
    this.log.info({ reason }, 'The session has ended.');
    this.note({ kind: 'ended', reason });
    await Promise.race([this.#around.ended(this, reason), delay(STORE_PATIENCE_MS)]);
  }

  /** A node that the session cannot live without has crashed: everyone is told, and may rebuild. */
  async crash(): Promise<void> {
    if (!this.isOpen) return;
    this.#state = 'ended';
    this.relocation.end(false);
    this.log.warn('The session is destroyed: its media node is gone.');
    this.note({ kind: 'ended', reason: 'nodeCrashed' });
    // The store first: who rebuilds must not find the old life on the books. But a store that is down delays no bad news.
    await Promise.race([this.#around.ended(this, 'nodeCrashed'), delay(STORE_PATIENCE_MS)]);
    const { uniqueSessionId } = this.record;
    for (const { presence } of this.members.values()) {
      if (presence.kind === 'here') {
        const release = { t: 'destroyed', uniqueSessionId, reason: 'nodeCrashed' } as const;
        presence.edge.down({ attachment: presence.attachment, release });
      }
    }
    this.#dismiss();
  }

  /**
   * Somebody else has decided about the session: clients are sent away to find out, nothing else is touched. One that is being
   * handed over is not taken from anyone: who hands it over says what follows.
   */
  stepDown(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.relocation.end(true);
    this.log.warn('Fenced: the session is no longer owned here.');
    // The room, if it is nobody's, is closed by the next looks at rooms: until then it shows the old picture to who rebuilds.
    void this.#around.ended(this, 'steppedDown');
    for (const { presence } of this.members.values()) {
      if (presence.kind === 'here') presence.edge.down({ attachment: presence.attachment, close: 4001 });
    }
    this.#dismiss();
  }

  /** The answer to a request of the member's, if it is still there. */
  answer(member: Member, answer: Answer): void {
    if (this.members.get(member.id) === member && !member.send({ t: 'res', ...answer })) this.#overflow(member);
  }

  #acknowledged(member: Member, seq: Seq): void {
    member.outbox.acknowledge(seq);
    this.keptSignals.arrived(member);
  }

  /** What was said to a member that has left: one that is put out for reading too little comes back for it. */
  #settleSignals(member: Member, refusal: ResumeRefusal | undefined): Promise<void> {
    if (refusal === 'outboxOverflow') return this.keptSignals.bequeath(member);
    member.outbox.close();
    this.keptSignals.forget(member);
    return Promise.resolve();
  }

  #overflow(member: Member): void {
    this.log.warn({ connection: member.id }, 'A connection does not read what it is sent.');
    const { presence } = member;
    if (presence.kind === 'here') {
      const error = new ProtocolError('OUTBOX_OVERFLOW', undefined, 'outboxOverflow').toWire();
      presence.edge.down({ attachment: presence.attachment, frame: { t: 'error', error } });
    }
    void this.leave(member, 'networkDisconnect', { closeCode: 4429, refusal: 'outboxOverflow' });
  }

  /** Its members are no longer this owner's concern. */
  #dismiss(): void {
    for (const member of this.members.values()) {
      this.#intake.forget(member);
      member.outbox.release();
    }
    this.members.clear();
  }

  #away(member: Member, attachment: Parameters<Member['detach']>[0]): void {
    if (!member.detach(attachment, performance.now())) return;
    this.log.info({ connection: member.id }, 'A connection is away.');
  }

  /** Resolves when it is certain that nobody else owned the session at this moment. @throws {ProtocolError} EPOCH_STALE */
  async confirmOwned(): Promise<void> {
    if (!(await this.#ownership.confirm(() => this.isOpen))) throw new ProtocolError('EPOCH_STALE');
  }

  async #isOwned(): Promise<Owned> {
    const { sessionId, uniqueSessionId, epoch } = this.record;
    try {
      const now = await this.#around.store.getSession(sessionId);
      return now?.uniqueSessionId === uniqueSessionId && now.epoch === epoch ? 'yes' : 'no';
    } catch {
      // Without the store nobody can claim the session; if it is only this master that is cut off from it, a new owner has made
      // itself known to the media node before it serves anyone.
      const confirmed = this.room?.command('confirm', {});
      if (!confirmed) return 'unknown';
      return confirmed.then(
        () => 'yes',
        (error: unknown) => (error instanceof ProtocolError && error.code === 'EPOCH_STALE' ? 'no' : 'unknown'),
      );
    }
  }

  /** What needs the store and cannot have it is refused for now; being fenced ends the ownership. */
  async write<T>(work: (store: Store) => Promise<T>): Promise<T> {
    try {
      return await work(this.#around.store);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code === 'stale') {
        this.stepDown();
        throw new ProtocolError('EPOCH_STALE');
      }
      throw new ProtocolError('UNAVAILABLE', 'the store does not answer');
    }
  }
}

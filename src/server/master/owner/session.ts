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

/** How long the end of a session waits for the store to record it. A slow store records it later. */
const STORE_PATIENCE_MS = 1_000;

/**
 * The others aren't told of an absence shorter than this. When a master crashes, thousands of clients are away for a second
 * or two. Announcing each absence and return to every member was most of the work that delayed their resumes.
 */
const UNTOLD_MS = 2_000;

/**
 * So many events are kept for a client that is away, or as many as there are members if those are more: a snapshot says the same with
 * less. Few are kept, as they tell what no snapshot does, e.g. why a stream has ended.
 */
const EVENTS_KEPT = 50;

interface LeaveOptions {
  readonly closeCode?: CloseCode;
  /** The answer to a later attempt of the client to resume. Default: `reason`, unless that is `disconnect`. */
  readonly refusal?: ResumeRefusal;
}

/** The parts of the process that a session uses. */
export interface SessionSurroundings {
  readonly self: InstanceId;
  readonly store: Store;
  readonly placement: Placement;
  readonly timing: Timing;
  readonly log: Logger;
  readonly chronicle: SessionChronicle;
  readonly budgets: ProcessBudgets;
  /** Given to clients whose connection names no ICE servers of its own. */
  readonly iceServers: readonly IceServer[];
  readonly secrets: ConnectionSecrets;
  /** Removes the session from this master's list. Resolves when the store has recorded how it ended. */
  readonly ended: (session: OwnedSession, reason: EndReason | 'steppedDown') => Promise<void>;
}

/** A session at the master that owns it. Every decision about the session is taken here. */
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
  /** Bytes of the unacknowledged frames and waiting requests of all members. */
  readonly bytes: ByteBudget;
  readonly log: Logger;
  readonly #around: SessionSurroundings;
  readonly relocation: Relocation;
  /** Rooms that the media has moved away from but clients still show. */
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
   * Takes over from a crashed owner; `record` has already been claimed for this master. All members start as away and then
   * resume. A hello that arrives earlier waits for this.
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
    // The former owner may have changed a role to SUBSCRIBER and crashed before it ended the streams.
    for (const member of this.members.values())
      if (member.record.role === 'SUBSCRIBER') this.streams.forbidAllOf(member);
    // These clients said goodbye while the session had no owner.
    for (const member of [...this.members.values()])
      if (member.record.leftAt !== undefined) void this.leave(member, 'disconnect');
    this.log.warn({ members: this.members.size, mediaNode: this.record.mediaNode }, 'Took over the session.');
    // The last member may have left just as the owner crashed. But a pending connection may belong to the first client to
    // join, for which the former owner had just placed the media.
    if (this.record.mediaNode && this.members.size + this.pending.length === 0) void this.end('lastParticipantLeft');
    else this.relocation.leaveIfDraining();
  }

  /** Connections created through REST that no client has joined yet. */
  get pending(): readonly PendingPlace[] {
    return this.places.pending;
  }

  /** The media node's room. `undefined` before the first join and while the media is lost. */
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
   * Resolves when everything is recorded that must be before the session's end is: the departures, because the store takes
   * none afterwards, and the chronicle's entries, so that they precede the next life. A slow chronicle is not waited for.
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

  /** True during a handover: requests are not taken, so clients send them again to the next owner. */
  get isFrozen(): boolean {
    return this.#state === 'frozen';
  }

  /** Stops taking requests; clients send unanswered ones again to the next owner. `false`: the session is already over. */
  freeze(): boolean {
    if (this.#state !== 'open') return false;
    this.#state = 'frozen';
    return true;
  }

  /** Cancels a handover that no master accepted. Clients resume, because the requests sent meanwhile were not taken. */
  unfreeze(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'open';
    for (const { presence } of this.members.values()) {
      if (presence.kind === 'here') presence.edge.down({ attachment: presence.attachment, close: 4503 });
    }
  }

  /** Ends the ownership after a handover: clients resume at the new owner over the same sockets. */
  handedOver(): void {
    if (!this.isOpen) return;
    this.#state = 'ended';
    this.relocation.end(true);
    this.log.info('Handed the session over.');
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

  /** Takes what an edge forwards from a member's client. `false`: the attachment no longer serves this member. */
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

  /** Records a fact in the session's chronicle. */
  note(fact: SessionFact): void {
    this.#noted = this.#around.chronicle.tell(this.record, fact);
  }

  /** Sends an event to every member except `except`. */
  broadcast<E extends ServerEventName>(event: E, data: ServerEvents[E], except?: Member): void {
    for (const member of [...this.members.values()]) if (member !== except) this.tell(member, event, data);
  }

  /**
   * Sends a signal to all recipients or to none.
   * @throws {ProtocolError} OUTBOX_OVERFLOW when too much already waits for a recipient or in the session
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
   * Ends a member's connection; the session ends with its last member. Resolves when the store has recorded it or has failed
   * in time. An absent client then learns from any later owner why its connection has ended.
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
    // The media node couldn't be told to stop sending, so the evicted client would go on receiving from it.
    if (reason.startsWith('force')) this.relocation.commandFailed();
    this.broadcast('connectionDestroyed', { connectionId: member.id, reason });
    this.note({ kind: 'left', connectionId: member.id, reason });
    this.departures.left(member.record, reason);
    if (!this.isOpen) return settled;
    const known = this.places
      .forget(member.record, refusal ?? (reason === 'disconnect' ? undefined : reason))
      .catch((error: unknown) =>
        this.log.warn({ err: error, connection: member.id }, 'Failed to delete a connection from the store.'),
      );
    this.#leaving = Promise.all([this.#leaving, known, settled]);
    if (this.members.size === 0) void this.end('lastParticipantLeft');
    return known;
  }

  /** A client leaves for good, in this life or an earlier one. Resolves when the store knows. @throws {ProtocolError} */
  async farewell(goodbye: Goodbye): Promise<void> {
    const { connectionId, uniqueSessionId, resumeKey } = goodbye;
    if (uniqueSessionId === this.record.uniqueSessionId) {
      const member = this.members.get(connectionId);
      if (member?.provesToBe(resumeKey)) await this.leave(member, 'disconnect');
    } else if (await this.departures.farewell(goodbye)) {
      // The page closed before it received the welcome to its connection in this life.
      const back = [...this.members.values()].filter(({ record }) => record.joined.replaces?.includes(connectionId));
      await Promise.all(back.map((member) => this.leave(member, 'disconnect')));
    }
  }

  /**
   * Evicts members that have been away for longer than the grace period, and announces longer absences to the others. Called
   * periodically; `now` as `performance.now()`.
   */
  sweep(now: number): void {
    // During a handover, the next owner decides how long a member has been away.
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
        // Answered pings don't prove delivery: a browser or a proxy answers them even if the client doesn't read.
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
      // Covers signals from before the absence was announced, and those that the store has not accepted yet.
      if (member.isKnownAway) this.keptSignals.keepSoon();
    }
  }

  /** Asks the edges whether they still have the members' sockets, because the message that a socket closed may be lost. */
  audit(): void {
    for (const { presence } of this.members.values()) {
      if (presence.kind === 'here') presence.edge.down({ attachment: presence.attachment, still: true });
    }
  }

  /** Marks every member at a crashed edge as away. */
  edgeDied(edge: InstanceId): void {
    for (const member of this.members.values()) {
      const { presence } = member;
      if (presence.kind === 'here' && presence.attachment.startsWith(`${edge}#`))
        this.#away(member, presence.attachment);
    }
  }

  /** Ends the session in an orderly way: every member is told the reason, the media is closed, and the end is recorded. */
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

  /** Ends the session because a node that it depends on has crashed: every client is told and may rebuild. */
  async crash(): Promise<void> {
    if (!this.isOpen) return;
    this.#state = 'ended';
    this.relocation.end(false);
    this.log.warn('Destroyed the session because its media node is gone.');
    this.note({ kind: 'ended', reason: 'nodeCrashed' });
    // Record the end first so that rebuilding clients can't find the old life, but don't let a slow store delay the news.
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
   * Gives up the ownership because another master has decided about the session. Clients are sent away to find out, and nothing
   * else is touched. A session in handover ignores this: the handover decides what follows.
   */
  stepDown(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.relocation.end(true);
    this.log.warn('Stepped down: another master has decided about the session.');
    // If the room has no owner any more, the room audit closes it later. Until then rebuilding clients still show its picture.
    void this.#around.ended(this, 'steppedDown');
    for (const { presence } of this.members.values()) {
      if (presence.kind === 'here') presence.edge.down({ attachment: presence.attachment, close: 4001 });
    }
    this.#dismiss();
  }

  /** Sends the answer to a request, unless the member has left. */
  answer(member: Member, answer: Answer): void {
    if (this.members.get(member.id) === member && !member.send({ t: 'res', ...answer })) this.#overflow(member);
  }

  #acknowledged(member: Member, seq: Seq): void {
    member.outbox.acknowledge(seq);
    this.keptSignals.arrived(member);
  }

  /** Settles the signals that a former member has not acknowledged. A client evicted for not reading gets them when it returns. */
  #settleSignals(member: Member, refusal: ResumeRefusal | undefined): Promise<void> {
    if (refusal === 'outboxOverflow') return this.keptSignals.bequeath(member);
    member.outbox.close();
    this.keptSignals.forget(member);
    return Promise.resolve();
  }

  #overflow(member: Member): void {
    this.log.warn({ connection: member.id }, 'Evicting a connection that does not read what it is sent.');
    const { presence } = member;
    if (presence.kind === 'here') {
      const error = new ProtocolError('OUTBOX_OVERFLOW', undefined, 'outboxOverflow').toWire();
      presence.edge.down({ attachment: presence.attachment, frame: { t: 'error', error } });
    }
    void this.leave(member, 'networkDisconnect', { closeCode: 4429, refusal: 'outboxOverflow' });
  }

  /** Drops the members without ending them: they are no longer this owner's concern. */
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

  /** Resolves when it is certain that no other master owned the session at this moment. @throws {ProtocolError} EPOCH_STALE */
  async confirmOwned(): Promise<void> {
    if (!(await this.#ownership.confirm(() => this.isOpen))) throw new ProtocolError('EPOCH_STALE');
  }

  async #isOwned(): Promise<Owned> {
    const { sessionId, uniqueSessionId, epoch } = this.record;
    try {
      const now = await this.#around.store.getSession(sessionId);
      return now?.uniqueSessionId === uniqueSessionId && now.epoch === epoch ? 'yes' : 'no';
    } catch {
      // No master can claim the session while the store is down. If only this master is cut off from the store, a new owner
      // has shown its epoch to the media node before serving any client.
      const confirmed = this.room?.command('confirm', {});
      if (!confirmed) return 'unknown';
      return confirmed.then(
        () => 'yes',
        (error: unknown) => (error instanceof ProtocolError && error.code === 'EPOCH_STALE' ? 'no' : 'unknown'),
      );
    }
  }

  /** Writes to the store as the owner. @throws {ProtocolError} UNAVAILABLE; EPOCH_STALE after stepping down */
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

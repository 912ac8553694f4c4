import { setTimeout as delay } from 'node:timers/promises';
import type { CloseCode } from '../../../protocol/close-codes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type {
  HelloFrame,
  IceServer,
  MediaPlace,
  RequestFrame,
  ServerEventName,
  ServerEvents,
  Snapshot,
  WelcomeFrame,
} from '../../../protocol/frames.ts';
import {
  type ConnectionId,
  newConnectionId,
  newResumeKey,
  newTokenId,
  type RequestId,
  type ResumeKey,
  type StreamId,
  type TokenId,
} from '../../../protocol/ids.ts';
import { LIMITS, PROTOCOL_VERSION } from '../../../protocol/limits.ts';
import type { LeaveReason, Role, StreamEndReason } from '../../../protocol/model.ts';
import type { Inventory } from '../../media-node/api.ts';
import type { InstanceId } from '../../shared/identity.ts';
import type { Logger } from '../../shared/logging.ts';
import type { Timing } from '../../shared/timing.ts';
import {
  type ConnectionRecord,
  type EndReason,
  type SessionRecord,
  type Store,
  StoreError,
} from '../../store/store.ts';
import type { LiveNode } from '../cluster/directory.ts';
import type { AttachRequest, EdgePort, Upward } from '../link/ports.ts';
import { adoptMembers, isJoined } from './adoption.ts';
import type { MediaRoom, Placed, Placement } from './media-room.ts';
import { hashResumeKey, type JoinedConnection, Member } from './member.ts';
import { handleRequest } from './requests.ts';

/** How long an end waits for the store to know of it. It is written down later, then; nobody waits for it. */
const STORE_PATIENCE_MS = 1_000;

/** How long after its beginning a session expects those back who were in its life before. */
const RETURN_MS = 15_000;

/** How long a session whose media node is gone looks for another, and how often. */
const MEDIA_PATIENCE_MS = 15_000;
const MEDIA_RETRY_MS = 250;

/** What a session needs of the process around it. */
export interface SessionSurroundings {
  readonly self: InstanceId;
  readonly store: Store;
  readonly placement: Placement;
  readonly timing: Timing;
  readonly log: Logger;
  /** The session is over here: it is taken off the books, and resolves when the store knows how it ended. */
  readonly ended: (session: OwnedSession, reason: EndReason | 'steppedDown') => Promise<void>;
}

/** A place made through REST and not taken yet. `joining`: a socket is taking it at this moment. */
interface PendingPlace {
  readonly record: ConnectionRecord;
  joining: boolean;
}

export interface PlaceOptions {
  readonly role: Role;
  readonly serverData: string;
  readonly customIceServers: readonly unknown[];
}

/** A session as its one owner keeps it. Everything that is decided for the session is decided here. */
export class OwnedSession {
  readonly record: SessionRecord;
  readonly members = new Map<ConnectionId, Member>();
  readonly pending = new Map<TokenId, PendingPlace>();
  readonly log: Logger;
  readonly #around: SessionSurroundings;
  /** Tokens that have joined, and which place each has taken. */
  readonly #used = new Map<TokenId, ConnectionId>();
  #media: Promise<Placed> | undefined;
  #room: MediaRoom | undefined;
  #missedSignals: ServerEvents['signal'][] = [];
  #state: 'open' | 'ended' = 'open';

  constructor(record: SessionRecord, around: SessionSurroundings) {
    this.record = record;
    this.#around = around;
    this.log = around.log.child({ session: record.uniqueSessionId, epoch: record.epoch });
  }

  /**
   * Takes over what a crashed owner had: `record` has been claimed for this master. Everyone is away at first, and
   * resumes. Who says hello meanwhile waits for it.
   * @throws {ProtocolError} UNAVAILABLE when the media node does not answer
   */
  async adopt(node: LiveNode | undefined): Promise<void> {
    const connections = await this.#write(() => this.#around.store.listConnections(this.record.uniqueSessionId));
    let inventory: Inventory | undefined;
    if (this.record.mediaNode) inventory = await this.#adoptMedia(node);
    for (const [id, member] of adoptMembers(connections, inventory)) {
      this.members.set(id, member);
      this.#used.set(member.record.token, id);
    }
    for (const record of connections) if (!isJoined(record)) this.pending.set(record.token, { record, joining: false });
    this.log.warn({ members: this.members.size, mediaNode: this.record.mediaNode }, 'The session is taken over.');
    // Somebody who left at the very moment of the crash, and was the last.
    if (this.record.mediaNode && this.members.size === 0) void this.end('lastParticipantLeft');
  }

  /** The media node's room, once the first member has joined. */
  get room(): MediaRoom | undefined {
    return this.#room;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Makes a place that a token can take. */
  async createPlace({ role, serverData, customIceServers }: PlaceOptions): Promise<ConnectionRecord> {
    const { sessionId, uniqueSessionId, epoch } = this.record;
    const record: ConnectionRecord = {
      connectionId: newConnectionId(),
      sessionId,
      uniqueSessionId,
      token: newTokenId(),
      role,
      createdAt: Date.now(),
      serverData,
      customIceServers,
    };
    await this.#write(() => this.#around.store.putConnection(record, epoch));
    this.pending.set(record.token, { record, joining: false });
    return record;
  }

  async removePlace(record: ConnectionRecord): Promise<void> {
    this.pending.delete(record.token);
    await this.#around.store.removeConnection(record.connectionId);
  }

  /**
   * A client that says hello at some edge: joins or resumes. Frames that it has missed follow the welcome.
   * @throws {ProtocolError} the hello leads nowhere, or (UNAVAILABLE) not now
   */
  async attach(request: AttachRequest, edge: EdgePort): Promise<WelcomeFrame> {
    const { join, resume } = request.hello;
    if (resume) return this.#resume(request, resume, edge);
    if (join) return this.#join(request, join, edge);
    throw new ProtocolError('HELLO_EXPECTED', 'neither join nor resume');
  }

  /** What an edge passes on from a member's client. `false`: the attachment no longer serves this member. */
  up(member: Member, item: Upward): boolean {
    if (member.presence.kind !== 'here' || member.presence.attachment !== item.attachment) return false;
    if ('gone' in item) this.#away(member, item.attachment);
    else if (item.frame.t === 'ack') member.outbox.acknowledge(item.frame.seq);
    else this.#take(member, item.frame);
    return true;
  }

  /** To everyone but `except`. */
  broadcast<E extends ServerEventName>(event: E, data: ServerEvents[E], except?: Member): void {
    for (const member of [...this.members.values()]) if (member !== except) this.tell(member, event, data);
  }

  tell<E extends ServerEventName>(member: Member, event: E, data: ServerEvents[E]): void {
    if (!member.tell(event, data)) this.#overflow(member);
  }

  /** Ends a member's place. The session ends with its last. */
  leave(member: Member, reason: LeaveReason, closeCode: CloseCode = 4000): void {
    if (!this.members.delete(member.id)) return;
    this.log.info({ connection: member.id, reason }, 'A connection has left.');
    if (reason !== 'disconnect') member.tell('evicted', { reason });
    const { presence } = member;
    if (presence.kind === 'here') presence.edge.down({ attachment: presence.attachment, close: closeCode });
    member.outbox.close();
    for (const key of member.transports.keys()) this.#room?.attempt('closeTransport', { key });
    for (const [streamId, publication] of member.publications) {
      publication.end();
      this.#forgetStream(streamId);
    }
    this.broadcast('connectionDestroyed', { connectionId: member.id, reason });
    this.#around.store
      .removeConnection(member.id)
      .catch((error: unknown) => this.log.warn({ err: error, connection: member.id }, 'The store keeps a connection.'));
    if (this.members.size === 0 && this.isOpen) void this.end('lastParticipantLeft');
  }

  endStream(member: Member, streamId: StreamId, reason: StreamEndReason): void {
    const publication = member.publications.get(streamId);
    if (!publication) throw new ProtocolError('STREAM_UNKNOWN', streamId);
    member.publications.delete(streamId);
    publication.end();
    for (const key of publication.producers.values()) this.#room?.attempt('closeProducer', { key });
    this.#forgetStream(streamId);
    this.broadcast('streamDestroyed', { streamId, reason }, member);
  }

  /** The member and the publication of a stream. */
  findStream(streamId: StreamId): {
    publisher: Member;
    publication: NonNullable<ReturnType<Member['publications']['get']>>;
  } {
    for (const publisher of this.members.values()) {
      const publication = publisher.publications.get(streamId);
      if (publication) return { publisher, publication };
    }
    throw new ProtocolError('STREAM_UNKNOWN', streamId);
  }

  /**
   * A signal to everyone is also for those who were in the life before the crash and are just coming back: they get it
   * when they do.
   */
  keepForReturning(signal: ServerEvents['signal']): void {
    if (Date.now() - this.record.createdAt < RETURN_MS) this.#missedSignals.push(signal);
    else this.#missedSignals = [];
  }

  /** Members away for longer than the grace leave. Called by a sweep; `now` as `performance.now()`. */
  sweep(now: number): void {
    for (const member of [...this.members.values()]) {
      const { presence } = member;
      if (presence.kind === 'away' && now - presence.since > this.#around.timing.resumeGraceMs) {
        this.leave(member, 'networkDisconnect');
      }
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
    for (const member of [...this.members.values()]) this.leave(member, 'sessionClosedByServer', 4410);
    this.#room?.attempt('closeRoom', {});
    this.log.info({ reason }, 'The session has ended.');
    await Promise.race([this.#around.ended(this, reason), delay(STORE_PATIENCE_MS)]);
  }

  /**
   * The media node, or the worker that carried the room, is gone. With policy `takeover` the media is hosted elsewhere and
   * every client makes new transports; ids and streams stay.
   */
  async mediaLost(lost: MediaRoom): Promise<void> {
    if (!this.isOpen || this.#room !== lost) return;
    if (this.record.failover === 'rebuild') return this.crash();
    this.log.warn({ mediaNode: lost.node }, 'The media is gone and is hosted anew.');
    this.#room = undefined;
    for (const member of this.members.values()) member.loseMedia();
    this.#media = this.#placeAgain();
    try {
      const { media, room } = await this.#media;
      this.broadcast('mediaMoved', { media });
      // Should the node only have been silent, and come back: nobody else would close the room there.
      if (room.node !== lost.node) lost.attempt('closeRoom', {});
    } catch (error) {
      this.log.error({ err: error }, 'The media cannot be hosted anywhere.');
      await this.crash();
    }
  }

  /** A node that the session cannot live without has crashed: everyone is told, and may rebuild. */
  async crash(): Promise<void> {
    if (!this.isOpen) return;
    this.#state = 'ended';
    this.log.warn('The session is destroyed: its media node is gone.');
    // The store first: who rebuilds must not find the old life on the books. But a store that is down delays no bad news.
    await Promise.race([this.#around.ended(this, 'nodeCrashed'), delay(STORE_PATIENCE_MS)]);
    const { uniqueSessionId } = this.record;
    for (const { presence } of this.members.values()) {
      if (presence.kind === 'here') {
        const release = { t: 'destroyed', uniqueSessionId, reason: 'nodeCrashed' } as const;
        presence.edge.down({ attachment: presence.attachment, release });
      }
    }
    this.members.clear();
  }

  /** Somebody else has decided about the session: clients are sent away to find out, nothing else is touched. */
  stepDown(): void {
    if (!this.isOpen) return;
    this.#state = 'ended';
    this.log.warn('Fenced: the session is no longer owned here.');
    void this.#around.ended(this, 'steppedDown');
    // If somebody else has taken the room over, its higher epoch refuses this.
    this.#room?.attempt('closeRoom', {});
    for (const { presence } of this.members.values()) {
      if (presence.kind === 'here') presence.edge.down({ attachment: presence.attachment, close: 4001 });
    }
    this.members.clear();
  }

  /** The room at the media node; the session is placed when the first member comes. */
  async media(): Promise<Placed> {
    this.#media ??= this.#place().catch((error: unknown) => {
      this.#media = undefined;
      throw error;
    });
    return this.#media;
  }

  /** What is at the media node; if that is gone too, the media is hosted anew and the clients bring it all back. */
  async #adoptMedia(node: LiveNode | undefined): Promise<Inventory | undefined> {
    const { placement, self } = this.#around;
    try {
      if (!node) throw new ProtocolError('UNAVAILABLE', 'the media node is dead');
      const placed = await placement.adopt(this.record, node, self);
      const inventory = await placed.room.command('inventory', {});
      this.#use(placed.room);
      this.#media = Promise.resolve(placed);
      return inventory;
    } catch (error) {
      this.log.warn(
        { err: error, mediaNode: this.record.mediaNode },
        'The media is gone with the owner and is hosted anew.',
      );
      this.#media = this.#placeAgain();
      await this.#media;
      return undefined;
    }
  }

  #use(room: MediaRoom): void {
    this.#room = room;
    room.gone = () => void this.mediaLost(room);
  }

  async #placeAgain(): Promise<Placed> {
    const until = performance.now() + MEDIA_PATIENCE_MS;
    for (;;) {
      try {
        return await this.#place();
      } catch (error) {
        if (!this.isOpen || performance.now() > until) throw error;
        await delay(MEDIA_RETRY_MS);
      }
    }
  }

  async #place(): Promise<Placed> {
    const placed = await this.#around.placement.place(this.record, this.#around.self);
    const { room } = placed;
    try {
      await this.#write(() =>
        this.#around.store.placeSession(this.record.uniqueSessionId, this.record.epoch, room.node),
      );
      if (!this.isOpen) throw new ProtocolError('SESSION_CLOSED');
    } catch (error) {
      // Nobody would ever close it: its owner, this master, goes on listening to the media node.
      room.attempt('closeRoom', {});
      throw error;
    }
    this.#use(room);
    this.log.info({ mediaNode: room.node }, 'The session is placed.');
    return placed;
  }

  async #join(
    { attachment, ip, platform }: AttachRequest,
    join: NonNullable<HelloFrame['join']>,
    edge: EdgePort,
  ): Promise<WelcomeFrame> {
    const taken = this.#used.get(join.token);
    const again = taken && this.members.get(taken);
    if (again && again.record.joined.joinKey === join.key) return this.#joinAgain(again, attachment, edge);
    if (taken) throw new ProtocolError('TOKEN_USED');
    const place = this.pending.get(join.token);
    if (!place) throw new ProtocolError('TOKEN_UNKNOWN');
    if (place.joining) throw new ProtocolError('UNAVAILABLE', 'this token is being used by another socket');
    place.joining = true;
    try {
      const { record } = place;
      const [replaces, { media }] = await Promise.all([this.#replaced(join.previous), this.media()]);
      const resumeKey = newResumeKey();
      const joined: JoinedConnection = {
        ...record,
        joined: {
          activeAt: Date.now(),
          clientData: join.metadata,
          ip,
          platform,
          joinKey: join.key,
          resumeKeyHash: hashResumeKey(resumeKey),
          ...(replaces ? { replaces } : {}),
        },
      };
      await this.#write(() => this.#around.store.putConnection(joined, this.record.epoch));
      // While the store was asked, the place may have been withdrawn or the session may have ended.
      if (!this.isOpen || !this.pending.delete(join.token)) throw new ProtocolError('TOKEN_UNKNOWN');
      const { connectionId, token } = record;
      const member = new Member(joined);
      member.attach(attachment, edge);
      this.#used.set(token, connectionId);
      this.members.set(connectionId, member);
      this.log.info({ connection: connectionId, edge: attachment, replaces }, 'A connection has joined.');
      this.broadcast('connectionCreated', { connection: member.info }, member);
      const welcome = this.#welcome(member, resumeKey, false, this.#snapshot(member, media));
      // Numbered behind the welcome, though sent before it: the edge puts them in order.
      if (replaces) for (const signal of this.#missedSignals) this.tell(member, 'signal', signal);
      return welcome;
    } finally {
      place.joining = false;
    }
  }

  /** The first welcome was lost on its way; whatever has happened since is in the snapshot. */
  async #joinAgain(member: Member, attachment: AttachRequest['attachment'], edge: EdgePort): Promise<WelcomeFrame> {
    const { media } = await this.media();
    const resumeKey = newResumeKey();
    const joined = { ...member.record.joined, resumeKeyHash: hashResumeKey(resumeKey) };
    await this.#write(() => this.#around.store.putConnection({ ...member.record, joined }, this.record.epoch));
    if (this.members.get(member.id) !== member) throw new ProtocolError('TOKEN_USED');
    member.renew({ ...member.record, joined });
    member.attach(attachment, edge);
    const welcome = this.#beginAnew(member, resumeKey, false, media);
    this.broadcast('connectionPresence', { connectionId: member.id, presence: 'here' }, member);
    return welcome;
  }

  async #resume(
    { attachment }: AttachRequest,
    resume: NonNullable<HelloFrame['resume']>,
    edge: EdgePort,
  ): Promise<WelcomeFrame> {
    const { media } = await this.media();
    // From here on without waiting, so that no frame comes between the welcome and those that were missed.
    const member = this.members.get(resume.connectionId);
    if (!member?.provesToBe(resume.resumeKey)) throw new ProtocolError('RESUME_REFUSED');
    const tookOver = resume.epoch !== this.record.epoch;
    const missed = tookOver ? [] : member.outbox.after(resume.received);
    if (!missed) throw new ProtocolError('RESUME_REFUSED', `frame ${resume.received}`);
    const wasAway = member.presence.kind === 'away';
    member.attach(attachment, edge);
    let welcome: WelcomeFrame;
    if (tookOver) {
      // Requests that the former owner has taken and not answered are asked again: each names what it makes.
      member.requestsTaken = (resume.nextRequest - 1) as RequestId;
      welcome = this.#beginAnew(member, resume.resumeKey as ResumeKey, true, media);
    } else {
      member.outbox.acknowledge(resume.received);
      welcome = this.#welcome(member, resume.resumeKey as ResumeKey, true);
      for (const frame of missed) member.sendUnnumbered(frame);
    }
    if (wasAway) this.broadcast('connectionPresence', { connectionId: member.id, presence: 'here' }, member);
    this.log.info({ connection: member.id, edge: attachment, tookOver }, 'A connection has resumed.');
    return welcome;
  }

  /** A welcome with a snapshot, to a client that has had no frame of this owner yet; what no snapshot tells follows. */
  #beginAnew(member: Member, resumeKey: ResumeKey, resumed: boolean, media: MediaPlace): WelcomeFrame {
    const seq = member.outbox.last;
    member.outbox.rebase();
    const welcome = this.#welcome(member, resumeKey, resumed, this.#snapshot(member, media));
    for (const frame of member.outbox.after(seq) ?? []) member.sendUnnumbered(frame);
    return { ...welcome, seq };
  }

  /** The connection that a client goes on from, if it proves that it was its own. */
  async #replaced(previous: NonNullable<HelloFrame['join']>['previous']): Promise<ConnectionId | undefined> {
    if (!previous) return undefined;
    const record = await this.#write(() => this.#around.store.getConnection(previous.connectionId));
    const proven =
      record?.uniqueSessionId === previous.uniqueSessionId &&
      record.sessionId === this.record.sessionId &&
      record.joined?.resumeKeyHash === hashResumeKey(previous.resumeKey);
    return proven ? previous.connectionId : undefined;
  }

  #snapshot(member: Member, media: MediaPlace): Snapshot {
    return {
      self: member.info,
      others: [...this.members.values()].filter((other) => other !== member).map(({ info }) => info),
      media,
      iceServers: member.record.customIceServers as IceServer[],
    };
  }

  #welcome(member: Member, resumeKey: ResumeKey, resumed: boolean, snapshot?: Snapshot): WelcomeFrame {
    const { sessionId, uniqueSessionId, epoch } = this.record;
    return {
      t: 'welcome',
      v: PROTOCOL_VERSION,
      resumed,
      sessionId,
      uniqueSessionId,
      connectionId: member.id,
      epoch,
      resumeKey,
      requestsTaken: member.requestsTaken,
      seq: member.outbox.last,
      heartbeatMs: LIMITS.heartbeatMs,
      heartbeatTimeoutMs: LIMITS.heartbeatTimeoutMs,
      resumeGraceMs: this.#around.timing.resumeGraceMs,
      reconnectSpreadMs: LIMITS.reconnectSpreadMs,
      ...(snapshot ? { snapshot } : {}),
    };
  }

  /** Requests are begun in the order of their numbers, each once; answers come as they are ready. */
  #take(member: Member, frame: RequestFrame): void {
    if (frame.id <= member.requestsTaken) return;
    if (frame.id !== member.requestsTaken + 1) {
      // A request before this one was lost between edge and owner: the resume brings both again.
      this.log.warn({ connection: member.id, request: frame.id }, 'A request is missing.');
      const { presence } = member;
      if (presence.kind === 'here') presence.edge.down({ attachment: presence.attachment, close: 4503 });
      return;
    }
    member.requestsTaken = frame.id;
    handleRequest(this, member, frame).then(
      (data) => this.#answer(member, { id: frame.id, data }),
      (error: unknown) => {
        const known = error instanceof ProtocolError ? error : new ProtocolError('INTERNAL');
        this.log.warn({ connection: member.id, method: frame.method, err: error }, 'A request has failed.');
        if (known.code === 'EPOCH_STALE') return this.stepDown();
        this.#answer(member, { id: frame.id, error: known.toWire() });
      },
    );
  }

  #answer(
    member: Member,
    body: { id: RequestId; data: unknown } | { id: RequestId; error: ReturnType<ProtocolError['toWire']> },
  ): void {
    if (this.members.get(member.id) === member && !member.send({ t: 'res', ...body })) this.#overflow(member);
  }

  #overflow(member: Member): void {
    this.log.warn({ connection: member.id }, 'A connection does not read what it is sent.');
    const { presence } = member;
    if (presence.kind === 'here') {
      const error = new ProtocolError('OUTBOX_OVERFLOW').toWire();
      presence.edge.down({ attachment: presence.attachment, frame: { t: 'error', error } });
    }
    this.leave(member, 'networkDisconnect', 4429);
  }

  #away(member: Member, attachment: Parameters<Member['detach']>[0]): void {
    if (!member.detach(attachment, performance.now())) return;
    this.log.info({ connection: member.id }, 'A connection is away.');
    this.broadcast('connectionPresence', { connectionId: member.id, presence: 'away' }, member);
  }

  #forgetStream(streamId: StreamId): void {
    for (const member of this.members.values()) {
      const subscription = member.subscriptions.get(streamId);
      member.subscriptions.delete(streamId);
      for (const key of subscription?.consumers ?? []) this.#room?.attempt('closeConsumer', { key });
    }
  }

  /** What needs the store and cannot have it is refused for now; being fenced ends the ownership. */
  async #write<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
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

import { ProtocolError } from '../../../protocol/errors.ts';
import type { Goodbye } from '../../../protocol/frames.ts';
import { newUniqueSessionId, type SessionId, type UniqueSessionId } from '../../../protocol/ids.ts';
import type { InstanceId } from '../../shared/identity.ts';
import type { Logger } from '../../shared/logging.ts';
import { type EndReason, type FailoverPolicy, type SessionRecord, type Store, StoreError } from '../../store/store.ts';
import type { LiveNode } from '../cluster/directory.ts';
import type { AttachAnswer, AttachmentId, AttachRequest, EdgePort, GoodbyeAnswer, Upward } from '../link/ports.ts';
import type { Member } from './member.ts';
import { OwnedSession, type SessionSurroundings } from './session.ts';

/** A session nobody has joined is collected after an hour, as OpenVidu does. */
export const NEVER_JOINED_MS = 60 * 60 * 1000;
export const SWEEP_MS = 1_000;
const RELEASED_MS = 10_000;
/** How often edges are asked whether they still have the sockets of the members here, in sweeps. */
const AUDIT_SWEEPS = 5;

/** All that a session needs around it but the word of its end, which is for this list. */
export type SessionsParts = Omit<SessionSurroundings, 'ended'>;

/** The sessions that this master owns, and which attachment serves which member of them. */
export class Sessions {
  readonly #around: SessionSurroundings;
  readonly #store: Store;
  readonly #log: Logger;
  readonly #byId = new Map<SessionId, OwnedSession>();
  readonly #attachments = new Map<AttachmentId, { readonly session: OwnedSession; readonly member: Member }>();
  /** Attachments whose session is over here, for as long as word of it may be on its way. */
  readonly #released = new Map<AttachmentId, number>();
  /** Media nodes that have not been heard since they were doubted. */
  readonly #doubted = new Set<InstanceId>();
  /** Sessions claimed whose members are not known yet. */
  readonly #adopting = new Map<OwnedSession, Promise<void>>();
  readonly #timers: NodeJS.Timeout[];
  #closed = false;
  #sweeps = 0;
  /** Sessions that the last look at the store has found, and not here. */
  #unknown = new Set<UniqueSessionId>();

  constructor(parts: SessionsParts) {
    const { store, log, timing } = parts;
    this.#store = store;
    this.#log = log;
    this.#around = {
      ...parts,
      ended: async (session, reason) => {
        this.#forget(session);
        if (reason === 'steppedDown') return;
        await session.accounts;
        await this.#recordEnd(session.record, reason);
      },
    };
    this.#timers = [
      setInterval(() => this.#sweep(), SWEEP_MS),
      setInterval(() => void this.#checkOwnership(), timing.leaseRenewMs),
    ];
  }

  get size(): number {
    return this.#byId.size;
  }

  get members(): number {
    return this.all().reduce((sum, { members }) => sum + members.size, 0);
  }

  all(): OwnedSession[] {
    return [...this.#byId.values()];
  }

  get(sessionId: SessionId): OwnedSession | undefined {
    return this.#byId.get(sessionId);
  }

  /**
   * Begins a life of a session, owned here.
   * @throws {StoreError} `exists`, `unavailable`
   */
  async create(
    sessionId: SessionId,
    failover: FailoverPolicy,
    properties: SessionRecord['properties'],
  ): Promise<OwnedSession> {
    const record = await this.#store.createSession({
      sessionId,
      uniqueSessionId: newUniqueSessionId(sessionId),
      owner: this.#around.self,
      failover,
      createdAt: this.#around.store.now(),
      properties,
    });
    const session = new OwnedSession(record, this.#around);
    this.#own(session);
    session.log.info('A session is created.');
    session.note({ kind: 'created', at: record.createdAt });
    return session;
  }

  /**
   * Makes this master the owner of a session whose owner has crashed. Resolves when it is, or when another one has been
   * faster. A session that cannot be taken over, because its media is gone too, is ended as crashed.
   * @throws {StoreError} `unavailable`
   */
  async takeOver(record: SessionRecord, node: LiveNode | undefined): Promise<void> {
    let claimed: SessionRecord;
    try {
      claimed = await this.#store.claimSession(record.uniqueSessionId, record.epoch, this.#around.self);
    } catch (error) {
      if (error instanceof StoreError && error.code === 'stale') return;
      throw error;
    }
    const session = new OwnedSession(claimed, this.#around);
    this.#own(session);
    const adopting = session.adopt(node).catch(async (error: unknown) => {
      session.log.error({ err: error }, 'The session cannot be taken over.');
      await session.crash();
    });
    this.#adopting.set(session, adopting);
    await adopting;
    this.#adopting.delete(session);
  }

  /** Waits for a session that is just being taken over. */
  async whole(session: OwnedSession): Promise<OwnedSession> {
    await this.#adopting.get(session);
    return session;
  }

  async attach(request: AttachRequest, edge: EdgePort): Promise<AttachAnswer> {
    const { join, resume } = request.hello;
    const session = this.#byId.get((join ?? resume)?.sessionId ?? ('' as SessionId));
    if (!session || (resume && resume.uniqueSessionId !== session.record.uniqueSessionId)) return { kind: 'notOwner' };
    await this.whole(session);
    if (!session.isOpen || session.isFrozen) return { kind: 'notOwner' };
    try {
      const welcome = await session.attach(request, edge);
      const member = session.members.get(welcome.connectionId);
      if (!member) return { kind: 'notOwner' };
      this.#attachments.set(request.attachment, { session, member });
      return { kind: 'welcome', welcome };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      // What a session says that has ended meanwhile is not the reason: whoever looks again finds out what has become of it.
      if (error.code === 'EPOCH_STALE' || !session.isOpen) return { kind: 'notOwner' };
      return { kind: 'refused', error: error.toWire() };
    }
  }

  /** A client has left for good. @throws {ProtocolError} UNAVAILABLE */
  async farewell(goodbye: Goodbye): Promise<GoodbyeAnswer['kind']> {
    const session = this.#byId.get(goodbye.sessionId);
    if (!session) return 'notOwner';
    await this.whole(session);
    if (!session.isOpen || session.isFrozen) return 'notOwner';
    try {
      await session.farewell(goodbye);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'EPOCH_STALE') throw error;
    }
    // Whoever looks again finds out whether it has ended with this, or has another owner.
    return session.isOpen ? 'taken' : 'notOwner';
  }

  /** What an edge passes on. `false`: nothing here is served by this attachment, its socket must resume. */
  up(item: Upward): boolean {
    const served = this.#attachments.get(item.attachment);
    // Its session is over here and its edge is being told what follows: nothing that it sends meanwhile is a mistake.
    if (!served) return this.#released.has(item.attachment);
    if ('gone' in item) this.#attachments.delete(item.attachment);
    return served.session.up(served.member, item);
  }

  /** An edge does not know these attachments (any more): their members are away. */
  lost(attachments: readonly AttachmentId[]): void {
    for (const attachment of attachments) this.up({ attachment, gone: true });
  }

  /** A media node drains: what it carries for this master is moved away. */
  mediaNodeDrains(mediaNode: InstanceId): void {
    for (const session of this.all()) {
      // One that is just being taken over sees to it by itself when it is whole.
      if (session.room?.node === mediaNode && !this.#adopting.has(session)) session.relocation.drains();
    }
  }

  edgeDied(edge: InstanceId): void {
    this.lost([...this.#attachments.keys()].filter((attachment) => attachment.startsWith(`${edge}#`)));
  }

  /** A media node is silent, and is being asked whether it lives. So are those whose media it carries. */
  mediaNodeDoubted(mediaNode: InstanceId): void {
    this.#doubted.add(mediaNode);
    for (const session of this.#at(mediaNode)) session.relocation.doubted();
  }

  /** A media node takes commands. */
  mediaNodeHeard(mediaNode: InstanceId): void {
    if (!this.#doubted.delete(mediaNode)) return;
    for (const session of this.#at(mediaNode)) session.relocation.heard();
    for (const session of this.all()) session.roomsLeft.nodeIsBack(mediaNode);
  }

  mediaNodeDied(mediaNode: InstanceId, how: 'gone' | 'silent'): void {
    if (how === 'silent') this.#doubted.add(mediaNode);
    else this.#doubted.delete(mediaNode);
    for (const session of this.#at(mediaNode)) {
      if (how === 'silent') session.relocation.silent();
      else if (session.room) void session.relocation.lost(session.room);
    }
    if (how === 'gone') for (const session of this.all()) session.roomsLeft.nodeIsGone(mediaNode);
  }

  roomLost(mediaNode: InstanceId, uniqueSessionId: UniqueSessionId): void {
    for (const session of this.#at(mediaNode)) {
      if (session.record.uniqueSessionId === uniqueSessionId && session.room)
        void session.relocation.lost(session.room);
    }
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
  }

  /**
   * A session that was owned here before may not know yet that others have decided about it meanwhile, e.g. in the other half of
   * a cluster. It steps down first: its clients would go on with an object that nobody else knows.
   */
  #own(session: OwnedSession): void {
    const { sessionId } = session.record;
    this.#byId.get(sessionId)?.stepDown();
    this.#byId.set(sessionId, session);
  }

  /** The sessions whose media is at this node. */
  #at(mediaNode: InstanceId): OwnedSession[] {
    return this.all().filter(({ room }) => room?.node === mediaNode);
  }

  #forget(session: OwnedSession): void {
    const { sessionId } = session.record;
    if (this.#byId.get(sessionId) === session) this.#byId.delete(sessionId);
    for (const [attachment, served] of this.#attachments) {
      if (served.session !== session) continue;
      this.#attachments.delete(attachment);
      this.#released.set(attachment, performance.now());
    }
  }

  /** Tries until the store answers: a session that it believes in for ever could never be created again. */
  async #recordEnd({ uniqueSessionId, epoch }: SessionRecord, reason: EndReason): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#store.endSession(uniqueSessionId, epoch, reason);
        return;
      } catch (error) {
        // The store gives up only after seconds of trying, so this loop is not a busy one.
        if (!(error instanceof StoreError)) throw error;
        this.#log.error(
          { err: error, session: uniqueSessionId },
          'The store does not know yet that a session has ended.',
        );
      }
    }
  }

  /**
   * What the store believes to be owned here and is not known here, twice in a row, can never be found nor created again
   * while this master lives: its clients have lost it, and may rebuild it.
   */
  async #endForgotten(listed: readonly SessionRecord[]): Promise<void> {
    const unknown = listed.filter(({ sessionId, uniqueSessionId }) => {
      return this.#byId.get(sessionId)?.record.uniqueSessionId !== uniqueSessionId;
    });
    for (const session of unknown) {
      const { uniqueSessionId, epoch } = session;
      if (!this.#unknown.has(uniqueSessionId)) continue;
      this.#log.error({ session: uniqueSessionId, epoch }, 'A session is on the books of this master and not here.');
      await this.#store.endSession(uniqueSessionId, epoch, 'nodeCrashed');
      void this.#around.chronicle.tell(session, { kind: 'ended', reason: 'nodeCrashed' });
    }
    this.#unknown = new Set(unknown.map(({ uniqueSessionId }) => uniqueSessionId));
  }

  #sweep(): void {
    const now = performance.now();
    this.#sweeps += 1;
    const audit = this.#sweeps % AUDIT_SWEEPS === 0;
    for (const [attachment, since] of this.#released) if (now - since > RELEASED_MS) this.#released.delete(attachment);
    for (const session of this.all()) {
      session.sweep(now);
      if (audit) session.audit();
      // It may have a room all the same: for a first join that a crash has broken off.
      if (session.members.size === 0 && this.#around.store.now() - session.record.createdAt > NEVER_JOINED_MS) {
        void session.end('neverJoined');
      }
    }
  }

  /**
   * A master that was frozen, or cut off, while others took it for dead finds out here that its sessions have been
   * decided about, and steps down from them.
   */
  async #checkOwnership(): Promise<void> {
    const before = this.all();
    try {
      const listed = await this.#store.listSessions({ owner: this.#around.self });
      const owned = new Set(listed.map(({ uniqueSessionId }) => uniqueSessionId));
      await this.#endForgotten(listed);
      for (const session of before) {
        if (!owned.has(session.record.uniqueSessionId) && !session.isFrozen) session.stepDown();
      }
    } catch (error) {
      if (!(error instanceof StoreError)) this.#log.error({ err: error }, 'Ownership could not be checked.');
    }
  }
}

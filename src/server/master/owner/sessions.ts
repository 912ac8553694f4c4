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

/** A session that no client has joined ends after an hour, as in OpenVidu. */
export const NEVER_JOINED_MS = 60 * 60 * 1000;
export const SWEEP_MS = 1_000;
const RELEASED_MS = 10_000;
/** How many sweeps lie between two audits of the members' sockets at the edges. */
const AUDIT_SWEEPS = 5;

/** The parts of the process that a session uses, except the `ended` callback, which this list supplies. */
export type SessionsParts = Omit<SessionSurroundings, 'ended'>;

/** The sessions that this master owns, and which member each attachment serves. */
export class Sessions {
  readonly #around: SessionSurroundings;
  readonly #store: Store;
  readonly #log: Logger;
  readonly #byId = new Map<SessionId, OwnedSession>();
  readonly #attachments = new Map<AttachmentId, { readonly session: OwnedSession; readonly member: Member }>();
  /** Attachments of sessions that are over here, and since when: their edges may not have been told yet. */
  readonly #released = new Map<AttachmentId, number>();
  /** Media nodes that have not been heard since they were last doubted. */
  readonly #doubted = new Set<InstanceId>();
  /** Sessions that this master has claimed but whose members it is still restoring. */
  readonly #adopting = new Map<OwnedSession, Promise<void>>();
  readonly #timers: NodeJS.Timeout[];
  #closed = false;
  #sweeps = 0;
  /** Sessions that the store assigned to this master at the last check but that are missing here. */
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
   * Creates a session with this master as its owner.
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
    session.log.info('Created a session.');
    session.note({ kind: 'created', at: record.createdAt });
    return session;
  }

  /**
   * Makes this master the owner of a session whose owner has crashed. Resolves when it is, or when another master was
   * faster. If the media is gone too and cannot be hosted anew, the session ends as crashed.
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
      session.log.error({ err: error }, 'Failed to take over the session.');
      await session.crash();
    });
    this.#adopting.set(session, adopting);
    await adopting;
    this.#adopting.delete(session);
  }

  /** Waits until the session's takeover, if one is under way, is complete. */
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
      // An error from a session that has ended meanwhile may be misleading: the edge looks it up again and finds out the cause.
      if (error.code === 'EPOCH_STALE' || !session.isOpen) return { kind: 'notOwner' };
      return { kind: 'refused', error: error.toWire() };
    }
  }

  /** Ends a connection whose client has left for good. @throws {ProtocolError} UNAVAILABLE */
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
    // The edge looks the session up again, and learns whether this ended it or another master owns it.
    return session.isOpen ? 'taken' : 'notOwner';
  }

  /** Takes what an edge forwards. `false`: this attachment serves no member here, so its socket must resume. */
  up(item: Upward): boolean {
    const served = this.#attachments.get(item.attachment);
    // The session is over here and the edge is still being told, so frames sent meanwhile are not an error.
    if (!served) return this.#released.has(item.attachment);
    if ('gone' in item) this.#attachments.delete(item.attachment);
    return served.session.up(served.member, item);
  }

  /** Marks the members of these attachments as away, because their edge doesn't know them any more. */
  lost(attachments: readonly AttachmentId[]): void {
    for (const attachment of attachments) this.up({ attachment, gone: true });
  }

  /** Moves media away from a media node that drains. */
  mediaNodeDrains(mediaNode: InstanceId): void {
    for (const session of this.all()) {
      // A session under takeover checks this itself when its takeover is complete.
      if (session.room?.node === mediaNode && !this.#adopting.has(session)) session.relocation.drains();
    }
  }

  edgeDied(edge: InstanceId): void {
    this.lost([...this.#attachments.keys()].filter((attachment) => attachment.startsWith(`${edge}#`)));
  }

  /** A media node is silent and is being probed. The clients whose media it carries are asked, too. */
  mediaNodeDoubted(mediaNode: InstanceId): void {
    this.#doubted.add(mediaNode);
    for (const session of this.#at(mediaNode)) session.relocation.doubted();
  }

  /** A media node that was doubted takes commands again. */
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
   * Adds a session. An older object of the same session steps down first. After a partition it may not know yet that others have
   * decided about it, and its clients would be cut off from the new one.
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

  /** Retries until the store answers: a session that the store still holds could never be created again. */
  async #recordEnd({ uniqueSessionId, epoch }: SessionRecord, reason: EndReason): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#store.endSession(uniqueSessionId, epoch, reason);
        return;
      } catch (error) {
        // No delay is needed: each attempt gives up only after seconds of retrying.
        if (!(error instanceof StoreError)) throw error;
        this.#log.error(
          { err: error, session: uniqueSessionId },
          'Failed to record the end of a session in the store; trying again.',
        );
      }
    }
  }

  /**
   * Ends sessions that the store assigned to this master in two checks in a row but that are missing here. Otherwise nobody
   * could find or create them while this master lives. Their clients have lost them, and may rebuild.
   */
  async #endForgotten(listed: readonly SessionRecord[]): Promise<void> {
    const unknown = listed.filter(({ sessionId, uniqueSessionId }) => {
      return this.#byId.get(sessionId)?.record.uniqueSessionId !== uniqueSessionId;
    });
    for (const session of unknown) {
      const { uniqueSessionId, epoch } = session;
      if (!this.#unknown.has(uniqueSessionId)) continue;
      this.#log.error(
        { session: uniqueSessionId, epoch },
        'Ended a session that the store assigns to this master but that is not here.',
      );
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
      // The session may have a room even without members: a crash can interrupt the first join.
      if (session.members.size === 0 && this.#around.store.now() - session.record.createdAt > NEVER_JOINED_MS) {
        void session.end('neverJoined');
      }
    }
  }

  /**
   * Steps down from sessions that others have decided about, for example while this master was frozen or cut off and taken for
   * dead.
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
      if (!(error instanceof StoreError))
        this.#log.error({ err: error }, 'Failed to check which sessions are owned here.');
    }
  }
}

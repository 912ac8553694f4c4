import { ProtocolError } from '../../../protocol/errors.ts';
import type { HelloFrame, IceServer, MediaPlace, Snapshot, WelcomeFrame } from '../../../protocol/frames.ts';
import { type ConnectionId, newResumeKey, type RequestId, type ResumeKey } from '../../../protocol/ids.ts';
import { LIMITS, PROTOCOL_VERSION } from '../../../protocol/limits.ts';
import { toIceServer } from '../../shared/ice-servers.ts';
import type { AttachRequest, EdgePort } from '../link/ports.ts';
import { hashResumeKey, type JoinedConnection, Member } from './member.ts';
import type { OwnedSession } from './session.ts';

/** So many lives back somebody is still known to those who have missed them all. */
const MAX_FORMER = 10;

/** Who comes in: takes hellos, checks what they claim, and answers with a welcome. */
export class Admission {
  readonly #session: OwnedSession;
  readonly #resumeGraceMs: number;
  readonly #iceServers: readonly IceServer[];

  /** `iceServers`: for clients that are given none of their own. */
  constructor(session: OwnedSession, resumeGraceMs: number, iceServers: readonly IceServer[]) {
    this.#session = session;
    this.#resumeGraceMs = resumeGraceMs;
    this.#iceServers = iceServers;
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

  async #join(
    { attachment, ip, platform }: AttachRequest,
    join: NonNullable<HelloFrame['join']>,
    edge: EdgePort,
  ): Promise<WelcomeFrame> {
    const taken = this.#session.used.get(join.token);
    const again = taken && this.#session.members.get(taken);
    if (again && again.record.joined.joinKey === join.key) return this.#joinAgain(again, attachment, edge);
    if (taken) throw new ProtocolError('TOKEN_USED');
    const place = this.#session.pending.get(join.token);
    if (!place) throw new ProtocolError('TOKEN_UNKNOWN');
    if (place.busy) throw new ProtocolError('UNAVAILABLE', 'this token is being used or changed at this moment');
    place.busy = true;
    try {
      const { record } = place;
      const [{ replaces, kept }, { media }] = await Promise.all([this.#former(join.previous), this.#session.media()]);
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
          ...(replaces.length > 0 ? { replaces } : {}),
        },
      };
      await this.#session.write((store) => store.putConnection(joined, this.#session.record.epoch));
      // While the store was asked, the place may have been withdrawn or the session may have ended.
      if (!this.#session.isOpen) throw new ProtocolError('TOKEN_UNKNOWN');
      if (!this.#session.places.pending.delete(join.token)) {
        // The store has it as joined now, and a new owner would wait for it to come back.
        await this.#session.places.forget(joined);
        throw new ProtocolError('TOKEN_UNKNOWN');
      }
      const { connectionId, token } = record;
      const member = new Member(joined);
      member.attach(attachment, edge);
      this.#session.used.set(token, connectionId);
      this.#session.members.set(connectionId, member);
      member.outbox.drawOn(this.#session.bytes);
      this.#session.log.info({ connection: connectionId, edge: attachment, replaces }, 'A connection has joined.');
      this.#session.broadcast('connectionCreated', { connection: member.info }, member);
      this.#session.note({ kind: 'joined', connection: joined });
      const welcome = this.#welcome(member, resumeKey, false, this.#snapshot(member, media));
      // Numbered behind the welcome, though sent before it: the edge puts them in order.
      this.#session.keptSignals.give(member, kept);
      if (replaces.length > 0)
        for (const signal of this.#session.missedSignals.all) this.#session.tell(member, 'signal', signal);
      return welcome;
    } finally {
      place.busy = false;
    }
  }

  /** The first welcome was lost on its way; whatever has happened since is in the snapshot. */
  async #joinAgain(member: Member, attachment: AttachRequest['attachment'], edge: EdgePort): Promise<WelcomeFrame> {
    const { media } = await this.#session.media();
    const resumeKey = newResumeKey();
    const joined = { ...member.record.joined, resumeKeyHash: hashResumeKey(resumeKey) };
    await this.#session.write((store) => store.putConnection({ ...member.record, joined }, this.#session.record.epoch));
    if (this.#session.members.get(member.id) !== member) throw new ProtocolError('TOKEN_USED');
    member.renew({ ...member.record, joined });
    const { isKnownAway } = member;
    member.attach(attachment, edge);
    const welcome = this.#beginAnew(member, resumeKey, false, media);
    if (isKnownAway) this.#tellHere(member);
    return welcome;
  }

  async #resume(
    { attachment }: AttachRequest,
    resume: NonNullable<HelloFrame['resume']>,
    edge: EdgePort,
  ): Promise<WelcomeFrame> {
    const member = this.#session.members.get(resume.connectionId);
    if (!member?.provesToBe(resume.resumeKey)) throw new ProtocolError('RESUME_REFUSED');
    const tookOver = resume.epoch !== this.#session.record.epoch;
    // Also where events were too many to be kept for it.
    const beginsAnew = tookOver || member.outbox.needsSnapshot(resume.received);
    // Only a snapshot names the place of the media, which may be on its way to another.
    const placed = beginsAnew ? await member.returning(this.#session.media()) : undefined;
    // From here on without waiting, so that no frame comes between the welcome and those that were missed.
    if (this.#session.members.get(member.id) !== member) throw new ProtocolError('RESUME_REFUSED');
    const missed = tookOver ? [] : member.outbox.missed(resume.received);
    if (!missed) throw new ProtocolError('RESUME_REFUSED', `frame ${resume.received}`);
    const { isKnownAway } = member;
    member.attach(attachment, edge);
    let welcome: WelcomeFrame;
    if (placed) {
      // Requests that the former owner has taken and not answered are asked again: each names what it makes.
      if (tookOver) member.requestsTaken = (resume.nextRequest - 1) as RequestId;
      else member.outbox.acknowledge(resume.received);
      welcome = this.#beginAnew(member, resume.resumeKey as ResumeKey, true, placed.media);
    } else {
      member.outbox.acknowledge(resume.received);
      this.#session.keptSignals.arrived(member);
      welcome = this.#welcome(member, resume.resumeKey as ResumeKey, true);
      for (const frame of missed) member.sendUnnumbered(frame);
    }
    if (isKnownAway) this.#tellHere(member);
    this.#session.log.info({ connection: member.id, edge: attachment, tookOver }, 'A connection has resumed.');
    return welcome;
  }

  #tellHere(member: Member): void {
    this.#session.broadcast('connectionPresence', { connectionId: member.id, presence: 'here' }, member);
  }

  /** A welcome with a snapshot, to a client that has had no frame of this owner yet; what no snapshot tells follows. */
  #beginAnew(member: Member, resumeKey: ResumeKey, resumed: boolean, media: MediaPlace): WelcomeFrame {
    const seq = member.outbox.last;
    member.outbox.rebase();
    const welcome = this.#welcome(member, resumeKey, resumed, this.#snapshot(member, media));
    for (const frame of member.outbox.after(seq) ?? []) member.sendUnnumbered(frame);
    return { ...welcome, seq };
  }

  /** What a client goes on from. */
  async #former(previous: NonNullable<HelloFrame['join']>['previous']) {
    const replaces = await this.#replaced(previous);
    const kept = replaces.length > 0 ? await this.#session.keptSignals.find(replaces) : [];
    return { replaces, kept };
  }

  /** The connections that a client goes on from, if it proves that they were its own: the latest first. */
  async #replaced(previous: NonNullable<HelloFrame['join']>['previous']): Promise<readonly ConnectionId[]> {
    if (!previous) return [];
    const record = await this.#session.write((store) => store.getConnection(previous.connectionId));
    const proven =
      record?.uniqueSessionId === previous.uniqueSessionId &&
      record.sessionId === this.#session.record.sessionId &&
      record.joined?.resumeKeyHash === hashResumeKey(previous.resumeKey);
    return proven ? [previous.connectionId, ...(record.joined?.replaces ?? [])].slice(0, MAX_FORMER) : [];
  }

  #snapshot(member: Member, media: MediaPlace): Snapshot {
    const { customIceServers } = member.record;
    return {
      self: member.info,
      others: [...this.#session.members.values()].filter((other) => other !== member).map(({ info }) => info),
      media,
      iceServers: customIceServers.length > 0 ? customIceServers.map(toIceServer) : this.#iceServers,
    };
  }

  #welcome(member: Member, resumeKey: ResumeKey, resumed: boolean, snapshot?: Snapshot): WelcomeFrame {
    const { sessionId, uniqueSessionId, epoch } = this.#session.record;
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
      resumeGraceMs: this.#resumeGraceMs,
      reconnectSpreadMs: LIMITS.reconnectSpreadMs,
      ...(snapshot ? { snapshot } : {}),
    };
  }
}

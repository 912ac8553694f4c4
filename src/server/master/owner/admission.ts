import { ProtocolError } from '../../../protocol/errors.ts';
import type { HelloFrame, IceServer, MediaPlace, Snapshot, WelcomeFrame } from '../../../protocol/frames.ts';
import { newResumeKey, type RequestId, type ResumeKey } from '../../../protocol/ids.ts';
import { LIMITS, PROTOCOL_VERSION } from '../../../protocol/limits.ts';
import { toIceServer } from '../../shared/ice-servers.ts';
import { sameSecret } from '../../shared/identity.ts';
import type { JoinedRecord } from '../../store/store.ts';
import type { AttachRequest, EdgePort } from '../link/ports.ts';
import { provesToBe } from './departures.ts';
import { type JoinedConnection, Member } from './member.ts';
import type { Joining, PendingPlace } from './places.ts';
import { hashResumeKey } from './resume-keys.ts';
import { resumeRefused } from './resume-refusal.ts';
import type { OwnedSession } from './session.ts';

/** How many earlier lives a connection names, for members that have missed several lives. */
const MAX_FORMER = 10;

/** Admits clients: takes hellos, checks their claims, and answers with a welcome. */
export class Admission {
  readonly #session: OwnedSession;
  readonly #resumeGraceMs: number;
  readonly #iceServers: readonly IceServer[];

  /** `iceServers`: for clients whose connection names none of its own. */
  constructor(session: OwnedSession, resumeGraceMs: number, iceServers: readonly IceServer[]) {
    this.#session = session;
    this.#resumeGraceMs = resumeGraceMs;
    this.#iceServers = iceServers;
  }

  /**
   * Joins or resumes for a client that has said hello at an edge. Missed frames follow the welcome.
   * @throws {ProtocolError} why the hello is refused; UNAVAILABLE means: not now
   */
  async attach(request: AttachRequest, edge: EdgePort): Promise<WelcomeFrame> {
    const { join, resume } = request.hello;
    if (resume) return this.#resume(request, resume, edge);
    if (join) return this.#join(request, join, edge);
    throw new ProtocolError('HELLO_EXPECTED', 'neither join nor resume');
  }

  async #join(request: AttachRequest, join: NonNullable<HelloFrame['join']>, edge: EdgePort): Promise<WelcomeFrame> {
    const claim = this.#session.places.claim(join.token);
    if (claim.kind === 'used') {
      const member = this.#session.members.get(claim.connectionId);
      const { joinKey } = member?.record.joined ?? {};
      if (!member || joinKey === undefined || !sameSecret(join.key, joinKey)) throw new ProtocolError('TOKEN_USED');
      return this.#joinAgain(member, request.attachment, edge);
    }
    if (claim.kind === 'expired') throw new ProtocolError('TOKEN_EXPIRED');
    if (claim.kind === 'unknown') throw new ProtocolError('TOKEN_UNKNOWN');
    const { place } = claim;
    if (place.joining && sameSecret(join.key, place.joining.key)) return this.#joinWith(place.joining, request, edge);
    if (place.busy) throw new ProtocolError('UNAVAILABLE', 'this token is being used or changed at this moment');
    place.busy = true;
    const work = this.#take(place, request, join, edge);
    // The join continues if its socket closes: the same client can come back and complete it.
    place.joining = { key: join.key, latest: request.attachment, over: work.catch(() => {}) };
    try {
      return await work;
    } finally {
      place.busy = false;
      delete place.joining;
    }
  }

  /** The same client has opened another socket while its join is in progress. Only its newest socket is welcomed. */
  async #joinWith(joining: Joining, request: AttachRequest, edge: EdgePort): Promise<WelcomeFrame> {
    joining.latest = request.attachment;
    await joining.over;
    if (joining.latest !== request.attachment)
      throw new ProtocolError('UNAVAILABLE', 'this client has sent a later hello');
    if (this.#session.isFrozen) throw new ProtocolError('EPOCH_STALE');
    return this.attach(request, edge);
  }

  async #take(
    place: PendingPlace,
    { attachment, ip, platform }: AttachRequest,
    join: NonNullable<HelloFrame['join']>,
    edge: EdgePort,
  ): Promise<WelcomeFrame> {
    const { record } = place;
    const [{ replaces, kept, endedStreams, streams }, { media }] = await Promise.all([
      this.#former(join.previous),
      this.#session.media(),
    ]);
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
        ...(endedStreams ? { endedStreams } : {}),
      },
    };
    await this.#session.write((store) => store.putConnection(joined, this.#session.record.epoch));
    // During the write, the connection may have been withdrawn or the session may have ended.
    if (!this.#session.isOpen) throw new ProtocolError('TOKEN_UNKNOWN');
    if (!this.#session.places.take(place)) {
      // The store already holds it as joined, and a new owner would wait for this client.
      await this.#session.places.forget(joined);
      throw new ProtocolError('TOKEN_UNKNOWN');
    }
    if (join.previous && replaces.length > 0 && this.#session.departures.has(join.previous.connectionId)) {
      // The page has closed, and its goodbye overtook this join.
      await this.#session.places.forget(joined);
      throw new ProtocolError('CONNECTION_UNKNOWN', 'its client has said goodbye');
    }
    const { connectionId } = record;
    const member = new Member(joined);
    // A SUBSCRIBER may not publish, so it brings no streams back.
    member.await(record.role === 'SUBSCRIBER' ? [] : streams);
    member.attach(attachment, edge);
    this.#session.members.set(connectionId, member);
    member.outbox.drawOn(this.#session.bytes);
    this.#session.log.info({ connection: connectionId, edge: attachment, replaces }, 'A connection has joined.');
    this.#session.broadcast('connectionCreated', { connection: member.info }, member);
    this.#session.note({ kind: 'joined', connection: joined });
    const welcome = this.#welcome(member, resumeKey, false, this.#snapshot(member, media));
    // These frames are numbered after the welcome but leave before it: the edge restores the order.
    this.#session.keptSignals.give(member, kept);
    if (replaces.length > 0) {
      const given = new Set(kept.map(({ signal: { from, id } }) => `${from} ${id}`));
      for (const signal of this.#session.missedSignals.all) {
        if (!given.has(`${signal.from} ${signal.id}`)) this.#session.tell(member, 'signal', signal);
      }
    }
    return welcome;
  }

  /** Welcomes a client whose first welcome was lost. The snapshot includes everything that has happened since. */
  async #joinAgain(member: Member, attachment: AttachRequest['attachment'], edge: EdgePort): Promise<WelcomeFrame> {
    const [{ media }, resumeKey] = await member.returning(
      Promise.all([
        this.#session.media(),
        this.#session.records.addKey(member),
        this.#session.keptSignals.putBack(member),
      ]),
    );
    if (this.#session.members.get(member.id) !== member) throw new ProtocolError('TOKEN_USED');
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
    if (!member?.provesToBe(resume.resumeKey)) throw this.#refusal(resume);
    const tookOver = resume.epoch !== this.#session.record.epoch;
    // A takeover or dropped events leave gaps that only a snapshot closes.
    const beginsAnew = tookOver || member.outbox.needsSnapshot(resume.received);
    const [resumeKey, placed] = await member.returning(
      Promise.all([
        this.#session.records.renewKey(member, resume.resumeKey as ResumeKey),
        // Only a snapshot names the location of the media, which may be moving at this moment.
        beginsAnew ? this.#session.media() : undefined,
        this.#session.keptSignals.putBack(member),
      ]),
    );
    // No await from here on, so that no frame comes between the welcome and the missed frames.
    if (this.#session.isFrozen) throw new ProtocolError('EPOCH_STALE');
    if (this.#session.members.get(member.id) !== member) throw this.#refusal(resume);
    // The client may have proven a newer key meanwhile.
    if (!member.provesToBe(resume.resumeKey)) throw this.#refusal(resume);
    if (!placed && member.outbox.needsSnapshot(resume.received)) {
      throw new ProtocolError('UNAVAILABLE', 'more events came during the resume than are kept');
    }
    const missed = tookOver ? [] : member.outbox.missed(resume.received);
    if (!missed) throw new ProtocolError('RESUME_REFUSED', `frame ${resume.received}`, 'unknown');
    const { isKnownAway } = member;
    member.attach(attachment, edge);
    let welcome: WelcomeFrame;
    if (placed) {
      // The client repeats requests that the former owner took but did not answer. Their idempotency keys make this safe.
      if (tookOver) member.requestsTaken = (resume.nextRequest - 1) as RequestId;
      else member.outbox.acknowledge(resume.received);
      welcome = this.#beginAnew(member, resumeKey, true, placed.media);
    } else {
      member.outbox.acknowledge(resume.received);
      this.#session.keptSignals.arrived(member);
      welcome = this.#welcome(member, resumeKey, true);
      for (const frame of missed) member.sendUnnumbered(frame);
    }
    if (isKnownAway) this.#tellHere(member);
    this.#session.log.info({ connection: member.id, edge: attachment, tookOver }, 'A connection has resumed.');
    return welcome;
  }

  #refusal(resume: NonNullable<HelloFrame['resume']>): ProtocolError {
    return resumeRefused(this.#session.places.ended(resume.connectionId), resume);
  }

  #tellHere(member: Member): void {
    this.#session.broadcast('connectionPresence', { connectionId: member.id, presence: 'here' }, member);
  }

  /** Sends a welcome with a snapshot to a client that starts afresh. Frames that no snapshot includes follow it. */
  #beginAnew(member: Member, resumeKey: ResumeKey, resumed: boolean, media: MediaPlace): WelcomeFrame {
    const seq = member.outbox.last;
    member.outbox.rebase();
    const welcome = this.#welcome(member, resumeKey, resumed, this.#snapshot(member, media));
    for (const frame of member.outbox.after(seq) ?? []) member.sendUnnumbered(frame);
    return { ...welcome, seq };
  }

  /** Identities, stored signals and streams that the client brings from its previous connection. */
  async #former(previous: NonNullable<HelloFrame['join']>['previous']) {
    const joined = await this.#proven(previous);
    if (!previous || !joined) return { replaces: [], kept: [], endedStreams: undefined, streams: undefined };
    const replaces = [previous.connectionId, ...(joined.replaces ?? [])].slice(0, MAX_FORMER);
    const [kept] = await Promise.all([
      this.#session.keptSignals.find(replaces),
      this.#session.departures.readLife(previous.uniqueSessionId),
    ]);
    return { replaces, kept, endedStreams: joined.endedStreams, streams: previous.streams };
  }

  /** The previous connection's record, if the client proves that it was its own. */
  async #proven(previous: NonNullable<HelloFrame['join']>['previous']): Promise<JoinedRecord | undefined> {
    if (!previous) return undefined;
    const record = await this.#session.write((store) => store.getConnection(previous.connectionId));
    const isOwn = provesToBe(record, previous) && record.sessionId === this.#session.record.sessionId;
    return isOwn ? record.joined : undefined;
  }

  #snapshot(member: Member, media: MediaPlace): Snapshot {
    const own = this.#session.secrets.iceServersOf(member.record);
    const { endedStreams } = member.record.joined;
    const departed = this.#session.departures.all;
    return {
      self: member.info,
      others: [...this.#session.members.values()].filter((other) => other !== member).map(({ info }) => info),
      media,
      iceServers: own.length > 0 ? own.map(toIceServer) : this.#iceServers,
      ...(endedStreams ? { endedStreams } : {}),
      ...(departed.length > 0 ? { departed } : {}),
    };
  }

  #welcome(member: Member, resumeKey: ResumeKey, resumed: boolean, snapshot?: Snapshot): WelcomeFrame {
    const { sessionId, uniqueSessionId, epoch } = this.#session.record;
    member.handOut(resumeKey);
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

import type { types } from 'mediasoup';
import type { ServerEventName, ServerEvents, ServerFrame } from '../../../protocol/frames.ts';
import type { ConnectionId, RequestId, StreamId } from '../../../protocol/ids.ts';
import type { ConnectionInfo, NetworkQuality } from '../../../protocol/model.ts';
import { Turns } from '../../../protocol/turns.ts';
import type { ConnectionRecord, JoinedRecord } from '../../store/store.ts';
import { BUDGETS } from '../budgets.ts';
import type { AttachmentId, EdgePort } from '../link/ports.ts';
import { isInSnapshot, Outbox, type OutboxFrame } from './outbox.ts';
import type { Publication } from './publication.ts';
import { acceptsKey, hashResumeKey, hasOnlyKey, withOnlyKey } from './resume-keys.ts';

/** Where a member's client is reached, or since when it is away. `since`: as `performance.now()`. */
export type Presence =
  | { readonly kind: 'here'; readonly since: number; readonly attachment: AttachmentId; readonly edge: EdgePort }
  /** `told`: whether the others have been told. */
  | { readonly kind: 'away'; readonly since: number; readonly told: boolean };

/** The record of a connection that has been joined, as the store holds it. */
export type JoinedConnection = ConnectionRecord & { readonly joined: JoinedRecord };

/** A stream that the member receives, with the keys of its consumers at the media node. */
export interface Subscription {
  readonly consumers: readonly string[];
  readonly createdAt: number;
}

/** A participant at the session's owner: its record, presence, unacknowledged frames, and what it sends and receives. */
export class Member {
  readonly outbox: Outbox;
  readonly transports = new Map<string, 'send' | 'recv'>();
  readonly publications = new Map<StreamId, Publication>();
  /** Streams whose publish request is being carried out. */
  readonly publishing: StreamId[] = [];
  readonly subscriptions = new Map<StreamId, Subscription>();
  /** Orders its requests that concern the same stream. */
  readonly turns = new Turns();
  rtpCapabilities: types.RtpCapabilities | undefined;
  /** As `performance.now()`; `-Infinity` for a member that joined at a former owner. */
  readonly joinedAt: number;
  /** The client's last measurement. */
  networkQuality: NetworkQuality | undefined;
  /** Number of the last request taken. */
  requestsTaken = 0 as RequestId;
  /** Keys of the streams that the client will publish again after a crash. `undefined`: it may be any stream. */
  #awaited: Set<string> | undefined;
  #record: JoinedConnection;
  #returning = 0;
  /** Hash of the resume key that the current socket's welcome handed out. */
  #handedOut: string | undefined;
  /** For how long the member has been far behind, and when that was last checked. */
  #behindMs = 0;
  #lookedAt: number;
  #presence: Presence = { kind: 'away', since: performance.now(), told: false };

  /** `now`: clock of the outbox, ms. `joinedAt`: default now. */
  constructor(record: JoinedConnection, now: () => number = () => performance.now(), joinedAt = now()) {
    this.#record = record;
    this.joinedAt = joinedAt;
    this.#lookedAt = now();
    this.outbox = new Outbox({ now });
  }

  get record(): JoinedConnection {
    return this.#record;
  }

  /** Awaits the streams with these keys and no others. `undefined`: the client has not named any. */
  await(keys: readonly string[] | undefined): void {
    this.#awaited = keys && new Set(keys);
  }

  /** Stops awaiting a stream, because it has arrived or will not come. `false`: it was not awaited. */
  awaitNoMore(key: string): boolean {
    return this.#awaited?.delete(key) === true;
  }

  /** Forgets everything at a media node that is gone. */
  loseMedia(): void {
    this.transports.clear();
    this.subscriptions.clear();
    for (const publication of this.publications.values()) publication.lose();
  }

  /** True during a resume; this time doesn't count against the grace period. */
  get isReturning(): boolean {
    return this.#returning > 0;
  }

  async returning<T>(work: Promise<T>): Promise<T> {
    this.#returning += 1;
    try {
      return await work;
    } finally {
      this.#returning -= 1;
      // The resume may have failed, but it has proved that the client is alive.
      if (this.#presence.kind === 'away') this.#presence = { ...this.#presence, since: performance.now() };
    }
  }

  /** Replaces the record by one that the store has accepted. */
  renew(record: JoinedConnection): void {
    this.#record = record;
  }

  get id(): ConnectionId {
    return this.#record.connectionId;
  }

  get presence(): Presence {
    return this.#presence;
  }

  /** Whether the member is away and the others have been told. Short absences are never announced. */
  get isKnownAway(): boolean {
    return this.#presence.kind === 'away' && this.#presence.told;
  }

  /** Call this when the others are told of the absence. */
  becomeKnownAway(): void {
    if (this.#presence.kind === 'away') this.#presence = { ...this.#presence, told: true };
  }

  get info(): ConnectionInfo {
    const { connectionId, createdAt, role, serverData, joined } = this.#record;
    const { clientData, replaces } = joined;
    return {
      connectionId,
      createdAt,
      role,
      data: clientData && serverData ? `${clientData}%/%${serverData}` : clientData || serverData,
      presence: this.isKnownAway ? 'away' : 'here',
      ...(this.networkQuality === undefined ? {} : { networkQuality: this.networkQuality }),
      ...(replaces ? { replaces } : {}),
      ...(replaces && this.#awaited ? { awaitedStreams: [...this.#awaited] } : {}),
      streams: [...this.publications.values()].map(({ stream }) => stream),
    };
  }

  /** Sends frames to this socket from now on. The former socket is closed as superseded. */
  attach(attachment: AttachmentId, edge: EdgePort): void {
    const before = this.#presence;
    if (before.kind === 'here' && before.attachment !== attachment) {
      before.edge.down({ attachment: before.attachment, close: 4409 });
    }
    this.#presence = { kind: 'here', since: performance.now(), attachment, edge };
    this.#handedOut = undefined;
  }

  /** Marks the member as away. `false`: the socket that has closed had already been replaced. */
  detach(attachment: AttachmentId, now: number): boolean {
    if (this.#presence.kind !== 'here' || this.#presence.attachment !== attachment) return false;
    this.#presence = { kind: 'away', since: now, told: false };
    return true;
  }

  /**
   * Sends a numbered frame, or keeps it until the client is back; `false` when the outbox is full. Events never fill it: they are
   * dropped in favour of a snapshot, and a connected client is then made to resume.
   */
  send(frame: OutboxFrame): boolean {
    const { outbox } = this;
    if (outbox.isStale && isInSnapshot(frame)) return true;
    const added = outbox.add(frame);
    if (added) {
      // With earlier events missing, the client would only discard the frame.
      if (!outbox.isStale) this.sendUnnumbered(added);
      return true;
    }
    if (outbox.isStale || !outbox.dropEvents()) return false;
    this.askToResume();
    return isInSnapshot(frame) || outbox.add(frame) !== undefined;
  }

  /** Closes the socket so that the client resumes and gets what it has missed. */
  askToResume(): void {
    if (this.#presence.kind !== 'here') return;
    this.#presence.edge.down({ attachment: this.#presence.attachment, close: 4408 });
  }

  tell<E extends ServerEventName>(event: E, data: ServerEvents[E]): boolean {
    return this.send({ t: 'evt', event, data } as unknown as OutboxFrame);
  }

  /** Sends a frame now. The frame is lost if the client is away. */
  sendUnnumbered(frame: ServerFrame): void {
    if (this.#presence.kind === 'here') this.#presence.edge.down({ attachment: this.#presence.attachment, frame });
  }

  /**
   * For how long the connected member has been so far behind that other senders are refused, ms. Without this limit, a client that
   * acknowledges a little now and then would block everyone who sends to all. Called periodically; `now` as `performance.now()`.
   */
  behindMs(now: number): number {
    const sinceMs = now - this.#lookedAt;
    this.#lookedAt = now;
    if (!this.outbox.isTight) this.#behindMs = 0;
    else if (this.#presence.kind === 'here' && this.outbox.ageMs > BUDGETS.overdueMs) this.#behindMs += sinceMs;
    return this.#behindMs;
  }

  provesToBe(resumeKey: string): boolean {
    return acceptsKey(this.#record.joined, resumeKey);
  }

  /** Notes the key in the welcome to the current socket. */
  handOut(resumeKey: string): void {
    this.#handedOut = hashResumeKey(resumeKey);
  }

  /** A frame on the current socket proves that the client has read its welcome. `true`: other keys were accepted until now. */
  proveKey(): boolean {
    const { joined } = this.#record;
    const hash = this.#handedOut;
    if (hash === undefined || hasOnlyKey(joined, hash)) return false;
    this.#record = { ...this.#record, joined: withOnlyKey(joined, hash) };
    return true;
  }
}

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

/** Where a member's client is reached, or since when it is not. `since`: as `performance.now()`. */
export type Presence =
  | { readonly kind: 'here'; readonly since: number; readonly attachment: AttachmentId; readonly edge: EdgePort }
  /** `told`: whether the others know. */
  | { readonly kind: 'away'; readonly since: number; readonly told: boolean };

/** A connection that has been joined, as the store keeps it. */
export type JoinedConnection = ConnectionRecord & { readonly joined: JoinedRecord };

/** A stream that the member receives: the keys of its consumers at the media node. */
export interface Subscription {
  readonly consumers: readonly string[];
  readonly createdAt: number;
}

/** One participant as its session's owner keeps it: its place, its unacknowledged frames, what it sends and receives. */
export class Member {
  readonly outbox: Outbox;
  readonly transports = new Map<string, 'send' | 'recv'>();
  readonly publications = new Map<StreamId, Publication>();
  /** Streams that are on their way into `publications`. */
  readonly publishing: StreamId[] = [];
  readonly subscriptions = new Map<StreamId, Subscription>();
  /** Its requests that concern the same stream. */
  readonly turns = new Turns();
  rtpCapabilities: types.RtpCapabilities | undefined;
  /** As `performance.now()`; of a member that joined at a former owner, before everything. */
  readonly joinedAt: number;
  /** As its client has measured it last. */
  networkQuality: NetworkQuality | undefined;
  /** Number of the last request taken. */
  requestsTaken = 0 as RequestId;
  /** Keys of the streams that it is about to bring back after a crash. `undefined`: any may come. */
  #awaited: Set<string> | undefined;
  #record: JoinedConnection;
  #returning = 0;
  /** Hash of the resume key in the welcome of the socket in use. */
  #handedOut: string | undefined;
  /** For how long it has been far behind, and when that was looked at last. */
  #behindMs = 0;
  #lookedAt: number;
  #presence: Presence = { kind: 'away', since: performance.now(), told: false };

  /** `now`: the clock of what waits for it, ms. `joinedAt`: default now. */
  constructor(record: JoinedConnection, now: () => number = () => performance.now(), joinedAt = now()) {
    this.#record = record;
    this.joinedAt = joinedAt;
    this.#lookedAt = now();
    this.outbox = new Outbox({ now });
  }

  get record(): JoinedConnection {
    return this.#record;
  }

  /** It brings back the streams of these keys, and no others. `undefined`: it has not said so. */
  await(keys: readonly string[] | undefined): void {
    this.#awaited = keys && new Set(keys);
  }

  /** A stream is awaited no longer: it is there, or does not come. `false`: it was not awaited. */
  awaitNoMore(key: string): boolean {
    return this.#awaited?.delete(key) === true;
  }

  /** The media node is gone, and everything there with it. */
  loseMedia(): void {
    this.transports.clear();
    this.subscriptions.clear();
    for (const publication of this.publications.values()) publication.lose();
  }

  /** Whether its client is at the door: what it waits for there is not time that it is away. */
  get isReturning(): boolean {
    return this.#returning > 0;
  }

  async returning<T>(work: Promise<T>): Promise<T> {
    this.#returning += 1;
    try {
      return await work;
    } finally {
      this.#returning -= 1;
      // It may be told to come again: it has shown that it lives.
      if (this.#presence.kind === 'away') this.#presence = { ...this.#presence, since: performance.now() };
    }
  }

  /** The store has it so. */
  renew(record: JoinedConnection): void {
    this.#record = record;
  }

  get id(): ConnectionId {
    return this.#record.connectionId;
  }

  get presence(): Presence {
    return this.#presence;
  }

  /** Whether it is away as far as the others know: a moment's absence is nobody's business. */
  get isKnownAway(): boolean {
    return this.#presence.kind === 'away' && this.#presence.told;
  }

  /** The others are being told. */
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

  /** Where frames go from now on. The socket that was served before is told that another has taken its place. */
  attach(attachment: AttachmentId, edge: EdgePort): void {
    const before = this.#presence;
    if (before.kind === 'here' && before.attachment !== attachment) {
      before.edge.down({ attachment: before.attachment, close: 4409 });
    }
    this.#presence = { kind: 'here', since: performance.now(), attachment, edge };
    this.#handedOut = undefined;
  }

  /** The socket is gone. `false` when it was not the one in use: a late word of a socket that has been replaced. */
  detach(attachment: AttachmentId, now: number): boolean {
    if (this.#presence.kind !== 'here' || this.#presence.attachment !== attachment) return false;
    this.#presence = { kind: 'away', since: now, told: false };
    return true;
  }

  /**
   * Sends a numbered frame now, or keeps it until the client is back; `false` when no more can be kept. Events never are too many:
   * instead of them the client gets a snapshot, for which one that is here has to resume.
   */
  send(frame: OutboxFrame): boolean {
    const { outbox } = this;
    if (outbox.isStale && isInSnapshot(frame)) return true;
    const added = outbox.add(frame);
    if (added) {
      // With events missing before it, it would only be dropped.
      if (!outbox.isStale) this.sendUnnumbered(added);
      return true;
    }
    if (outbox.isStale || !outbox.dropEvents()) return false;
    this.askToResume();
    return isInSnapshot(frame) || outbox.add(frame) !== undefined;
  }

  /** Closes its socket so that its client comes back for what it has missed. */
  askToResume(): void {
    if (this.#presence.kind !== 'here') return;
    this.#presence.edge.down({ attachment: this.#presence.attachment, close: 4408 });
  }

  tell<E extends ServerEventName>(event: E, data: ServerEvents[E]): boolean {
    return this.send({ t: 'evt', event, data } as unknown as OutboxFrame);
  }

  /** Sends a frame that is lost if the client is away. */
  sendUnnumbered(frame: ServerFrame): void {
    if (this.#presence.kind === 'here') this.#presence.edge.down({ attachment: this.#presence.attachment, frame });
  }

  /**
   * For how long, while it was here, it has been so far behind that others are refused because of it, ms. One that acknowledges a
   * little now and then would otherwise hold up everyone who talks to all. Called by a sweep; `now` as `performance.now()`.
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

  /** The socket in use is being welcomed with this key. */
  handOut(resumeKey: string): void {
    this.#handedOut = hashResumeKey(resumeKey);
  }

  /** A frame has come over the socket in use: its client has read the welcome. `true` when other keys were accepted until now. */
  proveKey(): boolean {
    const { joined } = this.#record;
    const hash = this.#handedOut;
    if (hash === undefined || hasOnlyKey(joined, hash)) return false;
    this.#record = { ...this.#record, joined: withOnlyKey(joined, hash) };
    return true;
  }
}

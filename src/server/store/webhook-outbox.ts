import type { Epoch, SessionId, UniqueSessionId } from '../../protocol/ids.ts';
import type { InstanceId } from '../shared/identity.ts';
import type { EndedSession } from './store.ts';

declare const brand: unique symbol;

/** The id of an event, the same whichever master makes it: `evt_` and 24 letters, digits, `-` or `_`. */
export type EventId = string & { readonly [brand]: 'EventId' };
/** The subject of an event, e.g. a life of a session. */
export type SubjectKey = string & { readonly [brand]: 'SubjectKey' };
/** Events of a series, e.g. of all lives of a session, are delivered in the order in which they were put. */
export type SeriesKey = string & { readonly [brand]: 'SeriesKey' };
/** Something that has a reported beginning and a later end. At most one span with the same key is open at a time. */
export type SpanKey = string & { readonly [brand]: 'SpanKey' };
/** Number of a delivery. Numbers rise and are never reused. */
export type DeliverySeq = number & { readonly [brand]: 'DeliverySeq' };

/** By what a span can be found, besides its subject. */
export interface SpanAbout {
  /** A connection, or a run of a node. */
  readonly who?: string;
  readonly stream?: string;
  /** The connection that sends the received stream. */
  readonly sender?: string;
}

export interface OutboxEvent {
  readonly id: EventId;
  /** E.g. `participantJoined`. */
  readonly name: string;
  readonly subject: SubjectKey;
  /** Default: its subject is its series. */
  readonly series?: SeriesKey;
  /** The JSON to deliver. */
  readonly body: string;
  /** The URLs that should get it. Empty: none; the event is only put for the span that it begins or ends. */
  readonly targets: readonly string[];
  /** Put the event only if no master owns the session under a higher epoch. */
  readonly fence?: { readonly uniqueSessionId: UniqueSessionId; readonly epoch: Epoch };
  /** Put the event only if this span is open. */
  readonly within?: SpanKey;
  /** Put the event only if this span is not open yet. */
  readonly begins?: { readonly span: SpanKey; readonly about: SpanAbout };
  /** Put the event only if this span is open. */
  readonly ends?: SpanKey;
  /** Put the event only if it leaves no span of its subject open. */
  readonly isLast?: boolean;
}

/** A span with a reported beginning but no reported end. */
export interface OpenSpan {
  readonly span: SpanKey;
  /** Id, name and body of the event that began it. */
  readonly id: EventId;
  readonly name: string;
  readonly about: SpanAbout;
  readonly body: string;
}

/** A life of a session that has ended, although its end has not been reported. */
export type UntoldEnd = EndedSession & { readonly epoch: Epoch };

export interface Delivery {
  readonly seq: DeliverySeq;
  readonly id: EventId;
  readonly name: string;
  readonly body: string;
}

export interface PutResult {
  /** The number of events put. The others had been put before, or a condition wasn't met. */
  readonly put: number;
  /** The number of deliveries dropped to make room, by target. */
  readonly dropped: ReadonlyMap<string, number>;
}

/**
 * The webhook events of all masters. Each is stored before it is sent, and removed after delivery. The outbox remembers what has been
 * reported, so that nothing is reported twice and every beginning gets an end. Every method is atomic, and rejects with a
 * StoreError `unavailable` if the store cannot be reached in time.
 */
export interface WebhookOutbox {
  /**
   * Puts events in order, each only if its conditions are met. `owner` delivers them. `bound`: how many deliveries may wait for a target;
   * the oldest are dropped.
   * @throws {StoreError} `stale` when an event is `isLast` although another span is open; then nothing is put
   */
  put(events: readonly OutboxEvent[], owner: InstanceId, bound: number): Promise<PutResult>;
  /** The open spans of a subject, in the order of their beginnings. `who` also finds spans of which it is the `sender`. */
  open(subject: SubjectKey, about?: Pick<SpanAbout, 'who' | 'stream'>): Promise<OpenSpan[]>;
  /** Sessions that ended before `before` (Unix time, ms) and whose ends have not been reported. */
  unended(before: number): Promise<UntoldEnd[]>;
  /** The same for one session's former lives, whenever they ended. */
  unendedLives(sessionId: SessionId): Promise<UntoldEnd[]>;
  /** Sessions whose media is at a node, and those that crashes have ended there since `since` (Unix time, ms). */
  sessionsAt(mediaNode: InstanceId, since: number): Promise<SessionId[]>;

  /** The first delivery of `owner` to `target` that has no earlier one of another owner in the same series. */
  next(owner: InstanceId, target: string): Promise<Delivery | undefined>;
  /** Removes a delivery that has arrived or is given up. */
  remove(seq: DeliverySeq): Promise<void>;
  /** The number of `owner`'s deliveries that wait for `target`. */
  count(owner: InstanceId, target: string): Promise<number>;
  /**
   * Assigns to `owner` the deliveries of `from` or, without `from`, of masters without a valid lease. Resolves to their number.
   */
  claim(owner: InstanceId, from?: InstanceId): Promise<number>;
  /** Deletes outdated entries, and deliveries that are too old to matter. */
  forget(): Promise<void>;
}

import type { Epoch, SessionId, UniqueSessionId } from '../../protocol/ids.ts';
import type { InstanceId } from '../shared/identity.ts';
import type { EndedSession } from './store.ts';

declare const brand: unique symbol;

/** The name of one event, the same whoever makes it: `evt_` and 24 letters, digits, `-` or `_`. */
export type EventId = string & { readonly [brand]: 'EventId' };
/** What an event tells of, e.g. one life of a session. */
export type SubjectKey = string & { readonly [brand]: 'SubjectKey' };
/** Events of one series, e.g. all lives of a session, are delivered in the order they were put. */
export type SeriesKey = string & { readonly [brand]: 'SeriesKey' };
/** Something that is told to begin and, later, to end. Only one of a key is going on at a time. */
export type SpanKey = string & { readonly [brand]: 'SpanKey' };
/** Number of a delivery, rising, never used twice. */
export type DeliverySeq = number & { readonly [brand]: 'DeliverySeq' };

/** What a span is found by, besides its subject. */
export interface SpanAbout {
  /** A connection, or a run of a node. */
  readonly who?: string;
  readonly stream?: string;
  /** The connection that is received from. */
  readonly sender?: string;
}

export interface OutboxEvent {
  readonly id: EventId;
  /** E.g. `participantJoined`. */
  readonly name: string;
  readonly subject: SubjectKey;
  /** Default: its subject alone. */
  readonly series?: SeriesKey;
  /** JSON, as it is delivered. */
  readonly body: string;
  /** Who is to get it. Empty: nobody; it is put for what it begins or ends. */
  readonly targets: readonly string[];
  /** Put only while nobody owns the session under a higher epoch. */
  readonly fence?: { readonly uniqueSessionId: UniqueSessionId; readonly epoch: Epoch };
  /** Put only while this is going on. */
  readonly within?: SpanKey;
  /** Put only if this is not going on yet. */
  readonly begins?: { readonly span: SpanKey; readonly about: SpanAbout };
  /** Put only if this is going on. */
  readonly ends?: SpanKey;
  /** Put only if, after this one, nothing of its subject is going on any more. */
  readonly isLast?: boolean;
}

/** What has been told to have begun, and not to have ended. */
export interface OpenSpan {
  readonly span: SpanKey;
  /** The event that told so: its id, its name, its body. */
  readonly id: EventId;
  readonly name: string;
  readonly about: SpanAbout;
  readonly body: string;
}

/** A life of a session that has ended, and that receivers believe to be going on. */
export type UntoldEnd = EndedSession & { readonly epoch: Epoch };

export interface Delivery {
  readonly seq: DeliverySeq;
  readonly id: EventId;
  readonly name: string;
  readonly body: string;
}

export interface PutResult {
  /** Events put; the others had been put before, or were not to be put (any more). */
  readonly put: number;
  /** Deliveries that had to make room, by target. */
  readonly dropped: ReadonlyMap<string, number>;
}

/**
 * The events that are to be delivered, of all masters: each is written down before it is sent, and taken out when it has
 * arrived. It remembers what has been told, so that nothing is told twice and nothing that has begun is left without its end.
 * Every method is atomic, and rejects with a StoreError `unavailable` when the store cannot be reached in time.
 */
export interface WebhookOutbox {
  /**
   * Puts events in, in order, each unless something that it names speaks against it. `owner` delivers them. `bound`: the most
   * deliveries that a target may have waiting; the oldest make room.
   * @throws {StoreError} `stale` when something goes on beside an event that `isLast`: nothing has been put then
   */
  put(events: readonly OutboxEvent[], owner: InstanceId, bound: number): Promise<PutResult>;
  /** What is going on with a subject, in the order it began. `who` also finds the spans of which it is the `sender`. */
  open(subject: SubjectKey, about?: Pick<SpanAbout, 'who' | 'stream'>): Promise<OpenSpan[]>;
  /** Sessions that ended before `before` (Unix time, ms) and that receivers believe to be going on. */
  unended(before: number): Promise<UntoldEnd[]>;
  /** The same of one session's former lives, whenever they ended. */
  unendedLives(sessionId: SessionId): Promise<UntoldEnd[]>;
  /** Sessions whose media is at a node, and those that crashes have ended there since `since` (Unix time, ms). */
  sessionsAt(mediaNode: InstanceId, since: number): Promise<SessionId[]>;

  /** The first delivery of `owner` to `target` that need not wait for one of another owner in the same series. */
  next(owner: InstanceId, target: string): Promise<Delivery | undefined>;
  /** It has arrived, or is given up. */
  remove(seq: DeliverySeq): Promise<void>;
  /** How many deliveries of `owner` to `target` wait. */
  count(owner: InstanceId, target: string): Promise<number>;
  /**
   * Makes `owner` deliver what `from` has not delivered; without `from`, what masters without a good lease have not. How many.
   */
  claim(owner: InstanceId, from?: InstanceId): Promise<number>;
  /** Drops what nobody can ask for any more, and deliveries that are too old to matter. */
  forget(): Promise<void>;
}

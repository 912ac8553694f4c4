import type { ConnectionId, StreamId } from '../../../protocol/ids.ts';
import type { LeaveReason, StreamEndReason, StreamInfo } from '../../../protocol/model.ts';
import type { EndReason, SessionRecord } from '../../store/store.ts';
import type { JoinedConnection, Member } from './member.ts';

/** A life of a session, and the epoch under which the reporting master owns it. */
export type SessionLife = Pick<SessionRecord, 'sessionId' | 'uniqueSessionId' | 'epoch'>;

/** Something that happened in a session. Times are Unix time, ms. */
export type SessionFact =
  | { readonly kind: 'created'; readonly at: number }
  /** A new owner continues the session. The former owner may or may not have recorded these members. */
  | { readonly kind: 'takenOver'; readonly createdAt: number; readonly members: Iterable<Member> }
  /** `at`: default now. */
  | { readonly kind: 'ended'; readonly reason: EndReason; readonly at?: number }
  | { readonly kind: 'joined'; readonly connection: JoinedConnection }
  /** Also ends everything that the connection sent and received. */
  | { readonly kind: 'left'; readonly connectionId: ConnectionId; readonly reason: LeaveReason }
  | { readonly kind: 'published'; readonly stream: StreamInfo }
  /** Also ends the stream for the members that received it. */
  | { readonly kind: 'unpublished'; readonly streamId: StreamId; readonly reason: StreamEndReason }
  | {
      readonly kind: 'subscribed';
      readonly connectionId: ConnectionId;
      readonly stream: StreamInfo;
      readonly at: number;
    }
  | { readonly kind: 'unsubscribed'; readonly connectionId: ConnectionId; readonly streamId: StreamId }
  | {
      readonly kind: 'signalled';
      /** Chosen by the sender; the same when a signal is retried. */
      readonly id: string;
      /** Left out if the application's server sent it. */
      readonly from?: ConnectionId;
      readonly to: readonly ConnectionId[];
      readonly type?: string;
      readonly data?: string;
    };

/** Records what happens in sessions. `tell` never rejects; it resolves when the fact is recorded or given up. */
export interface SessionChronicle {
  tell(session: SessionLife, fact: SessionFact): Promise<void>;
}

/** Records nothing. */
export const NO_CHRONICLE: SessionChronicle = { tell: () => Promise.resolve() };

import type { ConnectionId, StreamId } from '../../../protocol/ids.ts';
import type { LeaveReason, StreamEndReason, StreamInfo } from '../../../protocol/model.ts';
import type { EndReason, SessionRecord } from '../../store/store.ts';
import type { JoinedConnection, Member } from './member.ts';

/** One life of a session, and the epoch under which its teller owns it. */
export type SessionLife = Pick<SessionRecord, 'sessionId' | 'uniqueSessionId' | 'epoch'>;

/** Something that has happened in a session. Times are Unix time, ms. */
export type SessionFact =
  | { readonly kind: 'created'; readonly at: number }
  /** A new owner goes on with what a former one had, which may have told of it or not. */
  | { readonly kind: 'takenOver'; readonly createdAt: number; readonly members: Iterable<Member> }
  /** `at`: default now. */
  | { readonly kind: 'ended'; readonly reason: EndReason; readonly at?: number }
  | { readonly kind: 'joined'; readonly connection: JoinedConnection }
  /** With all that it sent and received. */
  | { readonly kind: 'left'; readonly connectionId: ConnectionId; readonly reason: LeaveReason }
  | { readonly kind: 'published'; readonly stream: StreamInfo }
  /** For those who received it, too. */
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
      /** The sender's name for it: the same when it is said again. */
      readonly id: string;
      /** Not there when the server says it. */
      readonly from?: ConnectionId;
      readonly to: readonly ConnectionId[];
      readonly type?: string;
      readonly data?: string;
    };

/** Keeps account of what happens in sessions. Telling it does not fail; resolves when it is written down, or given up. */
export interface SessionChronicle {
  tell(session: SessionLife, fact: SessionFact): Promise<void>;
}

/** Nobody wants to know. */
export const NO_CHRONICLE: SessionChronicle = { tell: () => Promise.resolve() };

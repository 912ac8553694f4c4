import type { ProtocolError } from '../../protocol/errors.ts';
import type { EventFrame, Snapshot } from '../../protocol/frames.ts';
import type { LeaveReason } from '../../protocol/model.ts';
import type { SessionState } from './session-state.ts';

/** An attempt to join or return, described before its delay. */
export interface Attempt {
  /** The cause, or the message of the previous attempt's error. */
  readonly cause: string;
  /** From 1. */
  readonly attempt: number;
  /** Time until the attempt, ms. */
  readonly nextDelayMs: number;
}

export interface LifecycleEvents {
  state: [state: SessionState, progress: Attempt | undefined];
  started: [Snapshot];
  /** Another owner has taken over; the snapshot is its state of the session. */
  reconciled: [Snapshot];
  /** A new life begins: the session's, after a crash, or (`sameSession`) a new membership after a long absence. */
  renewed: [snapshot: Snapshot, sameSession: boolean];
  reconnecting: [Attempt];
  reconnected: [durationMs: number];
  destroyed: [];
  /** The client was away so long that its connection has ended. The SDK joins again. */
  lapsed: [];
  rebuilding: [Attempt];
  disconnected: [reason: LeaveReason, cause: Error | undefined];
  /** The media's path may be broken; `sure`: the network has changed, so the path certainly is. */
  mediaDoubted: [sure: boolean];
  /** The page runs no code until `resumed`. */
  suspended: [];
  resumed: [];
  event: [EventFrame];
  /** The server ended the session with an error. */
  failed: [ProtocolError];
}

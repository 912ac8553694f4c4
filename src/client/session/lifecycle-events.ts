import type { ProtocolError } from '../../protocol/errors.ts';
import type { EventFrame, Snapshot } from '../../protocol/frames.ts';
import type { LeaveReason } from '../../protocol/model.ts';
import type { SessionState } from './session-state.ts';

/** One attempt to get in or back, before its wait. */
export interface Attempt {
  /** What broke, or the message of the error that failed the attempt before. */
  readonly cause: string;
  /** From 1. */
  readonly attempt: number;
  /** How long until it is made, ms. */
  readonly nextDelayMs: number;
}

export interface LifecycleEvents {
  state: [state: SessionState, progress: Attempt | undefined];
  started: [Snapshot];
  /** Another owner has taken over: this is the session as it has it. */
  reconciled: [Snapshot];
  /** This client begins another life: of the session, after a crash, or (`sameSession`) of its own, after a long sleep. */
  renewed: [snapshot: Snapshot, sameSession: boolean];
  reconnecting: [Attempt];
  reconnected: [durationMs: number];
  destroyed: [];
  /** Away for so long that its place is gone: another is on its way. */
  lapsed: [];
  rebuilding: [Attempt];
  disconnected: [reason: LeaveReason, cause: Error | undefined];
  /** The media's path may be broken; `sure`: or is another one by now. */
  mediaDoubted: [sure: boolean];
  /** Nothing runs in the page from here to `resumed`. */
  suspended: [];
  resumed: [];
  event: [EventFrame];
  /** The server has ended it with an error. */
  failed: [ProtocolError];
}

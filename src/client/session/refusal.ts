import { ProtocolError } from '../../protocol/errors.ts';
import type { LeaveReason, ResumeRefusal } from '../../protocol/model.ts';
import { RejoinError } from '../errors.ts';
import type { SessionInput, SessionState } from './session-state.ts';
import { TokenFailure } from './token-source.ts';

/** Codes of a refused hello that another token may cure. */
const SESSION_OVER: readonly string[] = ['SESSION_UNKNOWN', 'SESSION_DESTROYED', 'SESSION_CLOSED'];
const TOKEN_BAD: readonly string[] = ['TOKEN_UNKNOWN', 'TOKEN_USED', 'TOKEN_EXPIRED'];

/** Reasons for which a client may join again: it lost its connection, but nobody removed it. */
const LOST: readonly (ResumeRefusal | undefined)[] = ['networkDisconnect', 'outboxOverflow', 'unknown', undefined];

/**
 * A crash between token and join invalidates one token; a mistake of the application invalidates all. So a join tries
 * several.
 */
export const TOKENS_TRIED = 3;

export interface RefusalCircumstances {
  readonly state: SessionState;
  /** Whether the source can supply another token. */
  readonly renewable: boolean;
  /** Number of tokens requested for this join. */
  readonly tokensAsked: number;
}

/** Classifies the server's refusal: only `refused` is final. */
export function meaningOf(
  { code, reason }: ProtocolError,
  { state, renewable, tokensAsked }: RefusalCircumstances,
): Extract<SessionInput, 'refused' | 'tokenFailed' | 'lapsed'> {
  if (!renewable) return 'refused';
  if (state === 'reconnecting') return code === 'RESUME_REFUSED' && LOST.includes(reason) ? 'lapsed' : 'refused';
  if (state === 'rebuilding')
    return SESSION_OVER.includes(code) || TOKEN_BAD.includes(code) ? 'tokenFailed' : 'refused';
  if (state === 'joined' && reason === 'outboxOverflow') return 'lapsed';
  if (state !== 'joining') return 'refused';
  // The session may have crashed meanwhile, and other clients may have begun its next life.
  const another = SESSION_OVER.includes(code) || (TOKEN_BAD.includes(code) && tokensAsked < TOKENS_TRIED);
  return another ? 'tokenFailed' : 'refused';
}

/** The reason of the end for a refused client. */
export function reasonOf({ code, reason }: ProtocolError, state: SessionState): LeaveReason {
  if (state === 'rebuilding') return 'nodeCrashed';
  if (!LOST.includes(reason)) return reason as LeaveReason;
  return code === 'SESSION_CLOSED' ? 'sessionClosedByServer' : 'networkDisconnect';
}

/** True if the life of the session ended before the answer; the next life needs the request again. */
export function isLostToCrash(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === 'SESSION_DESTROYED';
}

/** The error with which the promise of a request rejects. */
export function requestFailed(error: unknown): Error {
  if (isIncapable(error)) {
    const message = 'This browser cannot send or receive media: it has no WebRTC.';
    return new RejoinError('BROWSER_NOT_SUPPORTED', message, 'Use another browser; see checkSystemRequirements().', {
      cause: error,
    });
  }
  if (!(error instanceof ProtocolError)) return error instanceof Error ? error : new Error(String(error));
  const name = error.code === 'NOT_PERMITTED' ? 'OPENVIDU_PERMISSION_DENIED' : 'GENERIC_ERROR';
  return new RejoinError(name, error.message, error.action, { code: error.code, cause: error });
}

/** Whether the browser lacks WebRTC, which shows only when the first transport is made. */
function isIncapable(error: unknown): boolean {
  const isMissing = error instanceof ReferenceError && !('RTCPeerConnection' in globalThis);
  return isMissing || (error instanceof Error && error.name === 'UnsupportedError');
}

/** The error of a `connect()` that failed before the server refused it. */
export function notJoined(
  code: 'TOKEN_UNAVAILABLE' | 'SERVER_UNREACHABLE' | 'CONNECT_CANCELLED',
  message: string,
  cause?: unknown,
): RejoinError {
  return new RejoinError('CONNECT_FAILED', message, ADVICE[code], { code, cause });
}

const ADVICE = {
  TOKEN_UNAVAILABLE: 'Check the token function, and the route that it calls.',
  SERVER_UNREACHABLE: 'Check that the server runs and this page can reach it: host, port, wss, certificate.',
  CONNECT_CANCELLED: 'Call connect() again to join.',
};

/** The error with which `connect()` rejects. */
export function connectFailed(error: Error | undefined): RejoinError {
  if (error instanceof RejoinError) return error;
  if (error instanceof TokenFailure) return notJoined('TOKEN_UNAVAILABLE', `No token: ${error.message}`, error.cause);
  const known = error instanceof ProtocolError ? error : undefined;
  return new RejoinError(
    'CONNECT_FAILED',
    `The session could not be joined: ${error?.message ?? 'it has crashed'}`,
    known?.action ?? 'Try again with a new token.',
    { cause: error, ...(known ? { code: known.code } : {}) },
  );
}

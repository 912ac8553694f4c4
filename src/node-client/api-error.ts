/** Why a call failed, as a code for programs, and what to do. */
export const API_ERRORS = {
  BAD_REQUEST: 'Correct what the message names. The same request would fail again.',
  UNAUTHORIZED: 'Give the secret of the cluster: new OpenVidu(url, secret).',
  LIMITED:
    'Wait a moment and send less, as the message says. After wrong secrets, give the right one, which is always accepted.',
  NOT_FOUND: 'The object has ended or never existed. Create it again, or call fetch() to see what exists.',
  NOBODY_THERE: 'Send the signal when a participant has joined, or correct the ids in `to`.',
  CONFLICT: 'The object already exists. Use it, or choose another name.',
  NOT_SUPPORTED: 'Do without this call, which this server does not support.',
  UNAVAILABLE: 'Try again later. If it stays unavailable, check the nodes and the balancer.',
  UNREACHABLE: 'Check the URL, the host name and the certificate; `cause` has the details.',
  ABORTED: 'No action is needed: the signal of this call was aborted.',
  UNEXPECTED_ANSWER: 'Check that the URL is that of the balancer or a master. Another program seems to answer there.',
  SERVER_ERROR: 'Read the log of the masters. If the error repeats, report it.',
} as const;
/**
 * Why a call failed.
 *
 * - `UNAVAILABLE`: no server answered within the deadline.
 * - `NOT_FOUND`: the object has ended or never existed.
 * - `LIMITED`: too much at a time.
 * - `NOBODY_THERE`: a signal has no recipients.
 * - `BAD_REQUEST`: the request is wrong.
 * - `UNAUTHORIZED`: the secret is wrong.
 * - `CONFLICT`: the object already exists.
 * - `NOT_SUPPORTED`: the server does not support the call.
 * - `SERVER_ERROR`: the server failed.
 * - `UNEXPECTED_ANSWER`: another program than a cluster answered.
 * - `UNREACHABLE`: unknown host or wrong certificate.
 * - `ABORTED`: the `signal` of the call was aborted.
 */
export type RejoinApiErrorCode = keyof typeof API_ERRORS;

export interface RejoinApiErrorParts {
  readonly code: RejoinApiErrorCode;
  readonly message: string;
  readonly method: string;
  readonly path: string;
  readonly action?: string | undefined;
  readonly status?: number | undefined;
  readonly attempts?: number;
  readonly mayHaveRun?: boolean;
  readonly idempotencyKey?: string | undefined;
  readonly cause?: unknown;
}

/** The error of every rejected call. `message` says what happened, `action` what to do. */
export class RejoinApiError extends Error {
  /** Distinguishes it from other errors. */
  override readonly name = 'RejoinApiError';
  /** Why the call failed, for programs. */
  readonly code: RejoinApiErrorCode;
  /** The HTTP status of the last answer; undefined if there was none. */
  readonly status: number | undefined;
  /** Says what to do. */
  readonly action: string;
  /** E.g. `POST`. */
  readonly method: string;
  /** E.g. `/openvidu/api/sessions/one`. */
  readonly path: string;
  /** How often the request was sent. */
  readonly attempts: number;
  /** Whether the server may have carried out the request nevertheless. */
  readonly mayHaveRun: boolean;
  /** For POST: repeating the call with this key creates nothing twice. */
  readonly idempotencyKey: string | undefined;

  /** @internal */
  constructor(parts: RejoinApiErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = parts.code;
    this.status = parts.status;
    this.action = parts.action ?? API_ERRORS[parts.code];
    this.method = parts.method;
    this.path = parts.path;
    this.attempts = parts.attempts ?? 0;
    this.mayHaveRun = parts.mayHaveRun ?? false;
    this.idempotencyKey = parts.idempotencyKey;
  }
}

/** The code for an unsuccessful status. */
export function codeOf(status: number): RejoinApiErrorCode {
  switch (status) {
    case 401:
    case 403:
      return 'UNAUTHORIZED';
    // A member or a session is at its limit, or too many requests had a wrong secret.
    case 429:
      return 'LIMITED';
    case 404:
      return 'NOT_FOUND';
    case 405:
    case 501:
      return 'NOT_SUPPORTED';
    case 406:
      return 'NOBODY_THERE';
    case 409:
      return 'CONFLICT';
    case 502:
    case 503:
    case 504:
      return 'UNAVAILABLE';
    default:
      if (status >= 500) return 'SERVER_ERROR';
      return status >= 400 ? 'BAD_REQUEST' : 'UNEXPECTED_ANSWER';
  }
}

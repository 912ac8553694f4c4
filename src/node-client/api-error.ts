/** Why a call has failed: what to decide by. */
export const API_ERRORS = {
  BAD_REQUEST: 'Correct what the message names; sending the same again fails again.',
  UNAUTHORIZED: 'Give the secret of the cluster: new OpenVidu(url, secret).',
  LIMITED:
    'Wait a moment and send less, as the message says; after wrong secrets, give the right one: it is always accepted.',
  NOT_FOUND: 'It has ended, or never was. Create it again, or call fetch() to see what there is.',
  NOBODY_THERE: 'Send it when somebody has joined, or correct the ids in `to`.',
  CONFLICT: 'It is there already: use it, or choose another name.',
  NOT_SUPPORTED: 'Do without this call: this server does not serve it.',
  UNAVAILABLE: 'Try again later. If it stays so, look at the state of the nodes and of the balancer.',
  UNREACHABLE: 'Check the URL, the name of the host and its certificate; `cause` has the details.',
  ABORTED: 'Nothing: the signal of this call was aborted.',
  UNEXPECTED_ANSWER: 'Check that the URL is that of the balancer or of a master: something else seems to answer there.',
  SERVER_ERROR: 'Look into the log of the masters, which says more; report it if it repeats.',
} as const;
/**
 * What to decide by: `UNAVAILABLE`, nobody has answered within the deadline; `NOT_FOUND`, it has ended or never was;
 * `LIMITED`, too much at a time; `NOBODY_THERE`, a signal has no receiver; `BAD_REQUEST`, what was sent is wrong; `UNAUTHORIZED`, the secret is; `CONFLICT`, it
 * is there already; `NOT_SUPPORTED`; `SERVER_ERROR`; `UNEXPECTED_ANSWER`, something else than a cluster answers; `UNREACHABLE`,
 * unknown host or wrong certificate; `ABORTED`, by the `signal` of the call.
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

/** What every call rejects with. `message` says what happened, `action` what to do about it. */
export class RejoinApiError extends Error {
  /** Tells it from other errors. */
  override readonly name = 'RejoinApiError';
  /** What to decide by. */
  readonly code: RejoinApiErrorCode;
  /** The HTTP status of the last answer; undefined when there was none. */
  readonly status: number | undefined;
  /** What to do about it. */
  readonly action: string;
  /** E.g. `POST`. */
  readonly method: string;
  /** E.g. `/openvidu/api/sessions/one`. */
  readonly path: string;
  /** How often the request was sent. */
  readonly attempts: number;
  /** Whether the server may have carried it out all the same. */
  readonly mayHaveRun: boolean;
  /** Of a POST: the same call with this key again does nothing twice. */
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

/** The code of an answer that is not a success. */
export function codeOf(status: number): RejoinApiErrorCode {
  switch (status) {
    case 401:
    case 403:
      return 'UNAUTHORIZED';
    // A member or a session holds no more; or too many requests came with a wrong secret.
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

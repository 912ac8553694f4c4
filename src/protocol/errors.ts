import type { ResumeRefusal } from './model.ts';

/**
 * Every error on the wire, and what to do about it. A test checks `docs/protocol.md` against this table.
 * Codes never change their meaning; new ones may be added.
 */
export const PROTOCOL_ERRORS = {
  FRAME_MALFORMED: {
    message: 'The frame is not a JSON object of a known type with the fields that this type needs.',
    action: 'Send one JSON object per text frame, as the protocol describes. The detail names the wrong field.',
  },
  FRAME_TOO_LARGE: {
    message: 'The frame is larger than 64 KB.',
    action: 'Send less at a time: split the data of a signal, or send a reference to it.',
  },
  HELLO_EXPECTED: {
    message: 'The first frame of a socket must be a hello, and it must come within five seconds.',
    action: 'Send a hello with `join` or `resume` as soon as the socket is open.',
  },
  VERSION_UNSUPPORTED: {
    message: 'This server does not support the protocol version of the hello.',
    action: 'Update the SDK or the server, so that both use the same version.',
  },
  METHOD_UNKNOWN: {
    message: 'There is no request method of this name.',
    action: 'Correct the name as in the protocol documentation, or update the server.',
  },
  PARAMS_INVALID: {
    message: 'The data of the request does not fit its method.',
    action: 'Correct the field that the detail names.',
  },
  TOKEN_UNKNOWN: {
    message: 'No pending connection has this token.',
    action: 'Create a connection through the REST API, and use its token.',
  },
  TOKEN_USED: {
    message: 'This token has already been used. A token is valid for a single join.',
    action: 'Create another connection through the REST API for every join.',
  },
  TOKEN_EXPIRED: {
    message: 'This token has expired, because no client joined with it in time.',
    action: 'Create another connection through the REST API; `expiresInMs` sets the lifetime of its token.',
  },
  SESSION_UNKNOWN: {
    message: 'There is no session of this id.',
    action: 'Create it through the REST API (POST /openvidu/api/sessions) before joining.',
  },
  SESSION_DESTROYED: {
    message: 'The session has ended because a node that served it crashed.',
    action: 'Create the session again and join with a new token. With a token provider, the SDK does this by itself.',
  },
  SESSION_CLOSED: {
    message: 'The session has ended.',
    action: 'Create the session again to continue the call.',
  },
  CONNECTION_UNKNOWN: {
    message: 'The session has no connection of this id.',
    action: 'Use the id of a participant who is still in the session. If it is your own, join again.',
  },
  RESUME_REFUSED: {
    message: 'The connection cannot be resumed: it has ended, or its resume key is wrong.',
    action: 'Join again with a new token, unless the reason says that the connection was ended on purpose.',
  },
  STREAM_UNKNOWN: {
    message: 'The session has no stream of this id.',
    action:
      'Subscribe only to streams that a streamCreated event has announced and no streamDestroyed event has ended.',
  },
  TRANSPORT_UNKNOWN: {
    message: 'The connection has no transport of this key.',
    action: 'Create the transport before using it.',
  },
  NOT_PERMITTED: {
    message: 'The role of this connection does not allow the request.',
    action: 'Create the connection with role PUBLISHER or MODERATOR.',
  },
  MEDIA_REFUSED: {
    message: 'The media node refused the media parameters.',
    action: 'Read the detail. Use parameters that mediasoup-client made for this session.',
  },
  EPOCH_STALE: {
    message: 'The command comes from a former owner of the session.',
    action: 'No action is needed: the sender steps down, and the present owner serves the client.',
  },
  SUPERSEDED: {
    message: 'A newer socket has resumed this connection.',
    action: 'No action is needed: the newer socket serves the client.',
  },
  OUTBOX_OVERFLOW: {
    message: 'Too many unacknowledged messages are waiting.',
    action: 'Send more slowly. If this has ended the connection, join again.',
  },
  RATE_LIMITED: {
    message: 'The client exceeded a rate limit, even after it was slowed down.',
    action: 'Send less often, and wait for the answers. If this has ended the connection, join again.',
  },
  LIMIT_REACHED: {
    message: 'The maximum number has been reached.',
    action: 'Close or leave what is no longer needed. The detail names the limit.',
  },
  UNAVAILABLE: {
    message: 'The session cannot be served at the moment.',
    action: 'Try again in a moment; the SDK does so by itself.',
  },
  INTERNAL: {
    message: 'The server failed unexpectedly.',
    action: 'Try again. If it repeats, report it with the log lines of the connection id.',
  },
} as const;

export type ProtocolErrorCode = keyof typeof PROTOCOL_ERRORS;

/** An error on the wire. */
export interface WireError {
  readonly code: ProtocolErrorCode;
  /** Says what happened. */
  readonly message: string;
  /** Says what to do about it. */
  readonly action: string;
  /** Particulars of this occurrence, e.g. the path of the wrong field. */
  readonly detail?: string;
  /** Only for RESUME_REFUSED, SESSION_CLOSED and, if the client has read too little, OUTBOX_OVERFLOW. The client decides by it. */
  readonly reason?: ResumeRefusal;
}

/** An error with a code from the table above. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;
  readonly action: string;
  readonly detail: string | undefined;
  readonly reason: ResumeRefusal | undefined;

  constructor(code: ProtocolErrorCode, detail?: string, reason?: ResumeRefusal) {
    super(detail ? `${PROTOCOL_ERRORS[code].message} (${detail})` : PROTOCOL_ERRORS[code].message);
    this.code = code;
    this.action = PROTOCOL_ERRORS[code].action;
    this.detail = detail;
    this.reason = reason;
  }

  toWire(): WireError {
    const { message, action } = PROTOCOL_ERRORS[this.code];
    const { detail, reason } = this;
    return {
      code: this.code,
      message,
      action,
      ...(detail === undefined ? {} : { detail }),
      ...(reason ? { reason } : {}),
    };
  }

  static fromWire(error: WireError): ProtocolError {
    return error.code in PROTOCOL_ERRORS
      ? new ProtocolError(error.code, error.detail, error.reason)
      : new ProtocolError('INTERNAL', `${error.code}: ${error.message}`);
  }
}

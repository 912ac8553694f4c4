import type { ResumeRefusal } from './model.ts';

/**
 * Every error that can cross the wire, and what to do about it. `docs/protocol.md` is checked against this table.
 * A code never changes its meaning; new ones are added.
 */
export const PROTOCOL_ERRORS = {
  FRAME_MALFORMED: {
    message: 'The frame is not a JSON object of a known type with the fields this type needs.',
    action: 'Send one JSON object per text frame, as the protocol describes it. The detail names the field.',
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
    message: 'This server does not speak the version of the protocol that the hello names.',
    action: 'Update the SDK, or the server, so that both speak the same version.',
  },
  METHOD_UNKNOWN: {
    message: 'There is no request method of this name.',
    action: 'Check the spelling against the protocol page, or update the server.',
  },
  PARAMS_INVALID: {
    message: 'The data of the request does not fit its method.',
    action: 'Correct the field that the detail names.',
  },
  TOKEN_UNKNOWN: {
    message: 'No pending connection has this token.',
    action: 'Create a connection through the REST API and use the token of its answer.',
  },
  TOKEN_USED: {
    message: 'This token has been used: a token joins once.',
    action: 'Create another connection through the REST API for every join.',
  },
  TOKEN_EXPIRED: {
    message: 'This token has expired: nobody joined with it in time.',
    action: 'Create another connection through the REST API; `expiresInMs` says for how long its token is good.',
  },
  SESSION_UNKNOWN: {
    message: 'There is no session of this id.',
    action: 'Create it through the REST API (POST /openvidu/api/sessions) before joining.',
  },
  SESSION_DESTROYED: {
    message: 'The session was ended because a node that served it crashed.',
    action: 'Create the session again and join with a new token; with a token provider the SDK does so by itself.',
  },
  SESSION_CLOSED: {
    message: 'The session has ended.',
    action: 'Create the session again if the call is to go on.',
  },
  CONNECTION_UNKNOWN: {
    message: 'The session has no connection of this id.',
    action: 'Use the id of a participant who is still in the session; join again if it is your own.',
  },
  RESUME_REFUSED: {
    message: 'There is nothing to resume: the connection has ended, or its resume key is wrong.',
    action: 'Join again with a new token, unless the reason says that the connection was ended on purpose.',
  },
  STREAM_UNKNOWN: {
    message: 'The session has no stream of this id.',
    action: 'Subscribe to a stream that a streamCreated event has announced and no streamDestroyed has ended.',
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
    action: 'Read the detail; parameters made by mediasoup-client for this session are accepted.',
  },
  EPOCH_STALE: {
    message: 'The command comes from a former owner of the session.',
    action: 'Nothing: the sender steps down, and the client is served by the present owner.',
  },
  SUPERSEDED: {
    message: 'A newer socket has resumed this connection.',
    action: 'Nothing: the newer socket goes on.',
  },
  OUTBOX_OVERFLOW: {
    message: 'More messages wait for the other side than are kept.',
    action: 'Send more slowly; join again if the connection was ended by this.',
  },
  RATE_LIMITED: {
    message: 'More was sent in a short time than is allowed, also after it was slowed down.',
    action: 'Send less often, and wait for the answers; join again if the connection was ended by this.',
  },
  LIMIT_REACHED: {
    message: 'There are as many of these as are allowed.',
    action: 'Close or leave what is not needed any more; the detail names the limit.',
  },
  UNAVAILABLE: {
    message: 'The session cannot be served at this moment.',
    action: 'Try again in a moment; the SDK does so by itself.',
  },
  INTERNAL: {
    message: 'The server failed at something that should work.',
    action: 'Try again; report it with the log lines of the connection id if it repeats.',
  },
} as const;

export type ProtocolErrorCode = keyof typeof PROTOCOL_ERRORS;

/** An error as it crosses the wire. */
export interface WireError {
  readonly code: ProtocolErrorCode;
  /** What happened. */
  readonly message: string;
  /** What to do about it. */
  readonly action: string;
  /** What was wrong in this very case, e.g. the field's path. */
  readonly detail?: string;
  /** Of RESUME_REFUSED, SESSION_CLOSED and, where the client has read too little, OUTBOX_OVERFLOW: what the client decides by. */
  readonly reason?: ResumeRefusal;
}

/** An error that has a place in the table above. */
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

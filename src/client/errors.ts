/** Why something that an application asked for could not be done; the names are OpenVidu's. */
export const RejoinErrorName = {
  BROWSER_NOT_SUPPORTED: 'BROWSER_NOT_SUPPORTED',
  DEVICE_ACCESS_DENIED: 'DEVICE_ACCESS_DENIED',
  DEVICE_ALREADY_IN_USE: 'DEVICE_ALREADY_IN_USE',
  SCREEN_CAPTURE_DENIED: 'SCREEN_CAPTURE_DENIED',
  SCREEN_SHARING_NOT_SUPPORTED: 'SCREEN_SHARING_NOT_SUPPORTED',
  INPUT_VIDEO_DEVICE_NOT_FOUND: 'INPUT_VIDEO_DEVICE_NOT_FOUND',
  INPUT_AUDIO_DEVICE_NOT_FOUND: 'INPUT_AUDIO_DEVICE_NOT_FOUND',
  INPUT_AUDIO_DEVICE_GENERIC_ERROR: 'INPUT_AUDIO_DEVICE_GENERIC_ERROR',
  NO_INPUT_SOURCE_SET: 'NO_INPUT_SOURCE_SET',
  PUBLISHER_PROPERTIES_ERROR: 'PUBLISHER_PROPERTIES_ERROR',
  OPENVIDU_PERMISSION_DENIED: 'OPENVIDU_PERMISSION_DENIED',
  OPENVIDU_NOT_CONNECTED: 'OPENVIDU_NOT_CONNECTED',
  GENERIC_ERROR: 'GENERIC_ERROR',
  /** `connect()` got a token that is not one. */
  TOKEN_INVALID: 'TOKEN_INVALID',
  /** `connect()` was refused, or had no answer in time. `cause` has the server's word. */
  CONNECT_FAILED: 'CONNECT_FAILED',
} as const;
export type RejoinErrorName = (typeof RejoinErrorName)[keyof typeof RejoinErrorName];

/** What every promise of the SDK rejects with. */
export class RejoinError extends Error {
  /** One of {@link RejoinErrorName}: what to decide by. */
  override readonly name: RejoinErrorName;
  /** The server's code where it was the server that refused, otherwise the same as `name`. */
  readonly code: string;
  /** What to do about it. */
  readonly action: string;

  constructor(
    name: RejoinErrorName,
    message: string,
    action: string,
    options: { code?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = name;
    this.code = options.code ?? name;
    this.action = action;
  }
}

export function notConnected(what: string): RejoinError {
  return new RejoinError(
    'OPENVIDU_NOT_CONNECTED',
    `${what} needs a connected session.`,
    'Wait for connect() to resolve, and do not call it after disconnect().',
  );
}

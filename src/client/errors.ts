/** Names of errors; an application decides by them. They are OpenVidu's. */
export const RejoinErrorName = {
  /** The browser cannot make calls, or not in this kind of page. */
  BROWSER_NOT_SUPPORTED: 'BROWSER_NOT_SUPPORTED',
  /** The user, or the browser's settings, denied access to the camera or microphone. */
  DEVICE_ACCESS_DENIED: 'DEVICE_ACCESS_DENIED',
  /** Another program, or another tab, holds the device. */
  DEVICE_ALREADY_IN_USE: 'DEVICE_ALREADY_IN_USE',
  /** The user chose no screen to share. */
  SCREEN_CAPTURE_DENIED: 'SCREEN_CAPTURE_DENIED',
  /** The browser cannot share its screen. */
  SCREEN_SHARING_NOT_SUPPORTED: 'SCREEN_SHARING_NOT_SUPPORTED',
  /** OpenVidu's, for old browsers that needed an extension. Never used. */
  SCREEN_EXTENSION_NOT_INSTALLED: 'SCREEN_EXTENSION_NOT_INSTALLED',
  /** OpenVidu's, for old browsers that needed an extension. Never used. */
  SCREEN_EXTENSION_DISABLED: 'SCREEN_EXTENSION_DISABLED',
  /** There is no camera, or not the requested one. */
  INPUT_VIDEO_DEVICE_NOT_FOUND: 'INPUT_VIDEO_DEVICE_NOT_FOUND',
  /** There is no microphone, or not the requested one. */
  INPUT_AUDIO_DEVICE_NOT_FOUND: 'INPUT_AUDIO_DEVICE_NOT_FOUND',
  /** The microphone cannot be opened, for a reason that no other name covers. */
  INPUT_AUDIO_DEVICE_GENERIC_ERROR: 'INPUT_AUDIO_DEVICE_GENERIC_ERROR',
  /** Both sources are set to none. */
  NO_INPUT_SOURCE_SET: 'NO_INPUT_SOURCE_SET',
  /** A property of a publisher is invalid. */
  PUBLISHER_PROPERTIES_ERROR: 'PUBLISHER_PROPERTIES_ERROR',
  /** The connection's role does not allow the call: see `session.capabilities`. */
  OPENVIDU_PERMISSION_DENIED: 'OPENVIDU_PERMISSION_DENIED',
  /** The call needs a connected session. */
  OPENVIDU_NOT_CONNECTED: 'OPENVIDU_NOT_CONNECTED',
  /** OpenVidu's, for its virtual backgrounds. Never used. */
  VIRTUAL_BACKGROUND_ERROR: 'VIRTUAL_BACKGROUND_ERROR',
  /** Anything else; `code`, `message` and `cause` say more. */
  GENERIC_ERROR: 'GENERIC_ERROR',
  /** The publisher is published in another session. */
  PUBLISHED_ELSEWHERE: 'PUBLISHED_ELSEWHERE',
  /** `connect()` got an invalid token. */
  TOKEN_INVALID: 'TOKEN_INVALID',
  /** `connect()` was refused, or had no answer in time. `cause` is the server's error. */
  CONNECT_FAILED: 'CONNECT_FAILED',
} as const;
/** Any of the names above. */
export type RejoinErrorName = (typeof RejoinErrorName)[keyof typeof RejoinErrorName];

/** Every promise of the SDK rejects with this error. */
export class RejoinError extends Error {
  /** A {@link RejoinErrorName}; decide by it. */
  override readonly name: RejoinErrorName;
  /** The server's code if the server refused, otherwise the same as `name`. */
  readonly code: string;
  /** How the application or its operator can fix the cause. */
  readonly action: string;

  /**
   * @param name the name to decide by
   * @param message what happened
   * @param action what to do about it
   * @param options `code`: the server's; `cause`: the underlying error
   */
  constructor(
    name: RejoinErrorName,
    message: string,
    action = '',
    options: { readonly code?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = name;
    this.code = options.code ?? name;
    this.action = action;
  }
}

/** Names of `exception` events. */
export const ExceptionEventName = {
  /** A remote candidate for a media path could not be used. */
  ICE_CANDIDATE_ERROR: 'ICE_CANDIDATE_ERROR',
  /** The browser finds no path for the media. The SDK keeps trying until the transport is closed. */
  ICE_CONNECTION_FAILED: 'ICE_CONNECTION_FAILED',
  /** The path of the media has been silent for a while. The SDK looks for another. */
  ICE_CONNECTION_DISCONNECTED: 'ICE_CONNECTION_DISCONNECTED',
  /** A subscriber plays nothing, although its stream has media. */
  NO_STREAM_PLAYING_EVENT: 'NO_STREAM_PLAYING_EVENT',
  /** OpenVidu's, for its transcriptions. Never used. */
  SPEECH_TO_TEXT_DISCONNECTED: 'SPEECH_TO_TEXT_DISCONNECTED',
  /** After a crash, a stream of this client could not be published again. */
  PUBLISH_FAILED: 'PUBLISH_FAILED',
  /** The server ended the session for this client with an error, the event's `data`. */
  SERVER_ERROR: 'SERVER_ERROR',
} as const;
/** Any of the names above. */
export type ExceptionEventName = (typeof ExceptionEventName)[keyof typeof ExceptionEventName];

/** @internal The error for a feature of OpenVidu that the SDK lacks; `what` is plural. */
export function notSupported(what: string): RejoinError {
  return new RejoinError(
    'GENERIC_ERROR',
    `${what} are not supported.`,
    'See "What you have to do without" in docs/from-openvidu.md.',
    { code: 'NOT_SUPPORTED' },
  );
}

/** @internal */
export function notConnected(what: string): RejoinError {
  return new RejoinError(
    'OPENVIDU_NOT_CONNECTED',
    `${what} needs a connected session.`,
    'Call it after connect() resolves and before disconnect().',
  );
}

/** @internal */
export function notPermitted(what: string, role: string | undefined): RejoinError {
  return new RejoinError(
    'OPENVIDU_PERMISSION_DENIED',
    `You don't have permissions for ${what}: your role is ${role}.`,
    'Create the connection with a role that allows it; see session.capabilities.',
    { code: 'NOT_PERMITTED' },
  );
}

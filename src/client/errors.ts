/** Why something that an application asked for could not be done; the names are OpenVidu's. */
export const RejoinErrorName = {
  /** The browser cannot make calls, or not in a page like this one. */
  BROWSER_NOT_SUPPORTED: 'BROWSER_NOT_SUPPORTED',
  /** The user, or the browser's settings, have not allowed camera or microphone. */
  DEVICE_ACCESS_DENIED: 'DEVICE_ACCESS_DENIED',
  /** Another program, or another tab, holds the device. */
  DEVICE_ALREADY_IN_USE: 'DEVICE_ALREADY_IN_USE',
  /** The user has not chosen a screen to share. */
  SCREEN_CAPTURE_DENIED: 'SCREEN_CAPTURE_DENIED',
  /** The browser cannot share its screen. */
  SCREEN_SHARING_NOT_SUPPORTED: 'SCREEN_SHARING_NOT_SUPPORTED',
  /** OpenVidu's, for browsers of the past that needed an extension. Never told. */
  SCREEN_EXTENSION_NOT_INSTALLED: 'SCREEN_EXTENSION_NOT_INSTALLED',
  /** OpenVidu's, for browsers of the past that needed an extension. Never told. */
  SCREEN_EXTENSION_DISABLED: 'SCREEN_EXTENSION_DISABLED',
  /** There is no camera, or not the one that was asked for. */
  INPUT_VIDEO_DEVICE_NOT_FOUND: 'INPUT_VIDEO_DEVICE_NOT_FOUND',
  /** There is no microphone, or not the one that was asked for. */
  INPUT_AUDIO_DEVICE_NOT_FOUND: 'INPUT_AUDIO_DEVICE_NOT_FOUND',
  /** The microphone cannot be opened, for a reason that has no name of its own. */
  INPUT_AUDIO_DEVICE_GENERIC_ERROR: 'INPUT_AUDIO_DEVICE_GENERIC_ERROR',
  /** Both sources were set to none. */
  NO_INPUT_SOURCE_SET: 'NO_INPUT_SOURCE_SET',
  /** A property of a publisher does not fit. */
  PUBLISHER_PROPERTIES_ERROR: 'PUBLISHER_PROPERTIES_ERROR',
  /** The role of the connection does not allow it: see `session.capabilities`. */
  OPENVIDU_PERMISSION_DENIED: 'OPENVIDU_PERMISSION_DENIED',
  /** It needs a session that is connected. */
  OPENVIDU_NOT_CONNECTED: 'OPENVIDU_NOT_CONNECTED',
  /** OpenVidu's, for its virtual backgrounds. Never told. */
  VIRTUAL_BACKGROUND_ERROR: 'VIRTUAL_BACKGROUND_ERROR',
  /** Anything else; `code`, `message` and `cause` say more. */
  GENERIC_ERROR: 'GENERIC_ERROR',
  /** The publisher is published in another session. */
  PUBLISHED_ELSEWHERE: 'PUBLISHED_ELSEWHERE',
  /** `connect()` got a token that is not one. */
  TOKEN_INVALID: 'TOKEN_INVALID',
  /** `connect()` was refused, or had no answer in time. `cause` has the server's word. */
  CONNECT_FAILED: 'CONNECT_FAILED',
} as const;
/** One of the names above. */
export type RejoinErrorName = (typeof RejoinErrorName)[keyof typeof RejoinErrorName];

/** What every promise of the SDK rejects with. */
export class RejoinError extends Error {
  /** One of {@link RejoinErrorName}: what to decide by. */
  override readonly name: RejoinErrorName;
  /** The server's code where it was the server that refused, otherwise the same as `name`. */
  readonly code: string;
  /** What to do about it. */
  readonly action: string;

  /**
   * @param name what to decide by
   * @param message what happened
   * @param action what to do about it
   * @param options `code`: the server's; `cause`: what it follows from
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

/** What an `exception` event is about. */
export const ExceptionEventName = {
  /** A candidate of the other side for a media path could not be used. */
  ICE_CANDIDATE_ERROR: 'ICE_CANDIDATE_ERROR',
  /** No path is found for the media. One is looked for until it is closed. */
  ICE_CONNECTION_FAILED: 'ICE_CONNECTION_FAILED',
  /** The path of the media has been silent for a while. Another is looked for. */
  ICE_CONNECTION_DISCONNECTED: 'ICE_CONNECTION_DISCONNECTED',
  /** A subscriber has nothing to play, although its stream should. */
  NO_STREAM_PLAYING_EVENT: 'NO_STREAM_PLAYING_EVENT',
  /** OpenVidu's, for its transcriptions. Never told. */
  SPEECH_TO_TEXT_DISCONNECTED: 'SPEECH_TO_TEXT_DISCONNECTED',
  /** After a crash, a stream of this client could not be published again. */
  PUBLISH_FAILED: 'PUBLISH_FAILED',
  /** The server has ended the session for this client with an error, the event's `data`. */
  SERVER_ERROR: 'SERVER_ERROR',
} as const;
/** One of the names above. */
export type ExceptionEventName = (typeof ExceptionEventName)[keyof typeof ExceptionEventName];

/** @internal What OpenVidu has and the SDK has not: `what` in the plural. */
export function notSupported(what: string): RejoinError {
  return new RejoinError(
    'GENERIC_ERROR',
    `${what} are not supported.`,
    'Go on without: see "What you have to do without" in docs/from-openvidu.md.',
    { code: 'NOT_SUPPORTED' },
  );
}

/** @internal */
export function notConnected(what: string): RejoinError {
  return new RejoinError(
    'OPENVIDU_NOT_CONNECTED',
    `${what} needs a connected session.`,
    'Wait for connect() to resolve, and do not call it after disconnect().',
  );
}

/** @internal */
export function notPermitted(what: string, role: string | undefined): RejoinError {
  return new RejoinError(
    'OPENVIDU_PERMISSION_DENIED',
    `You don't have permissions for ${what}: your role is ${role}.`,
    'Create the connection with a role that allows it; session.capabilities tells what it does.',
    { code: 'NOT_PERMITTED' },
  );
}

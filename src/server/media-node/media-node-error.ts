const ACTIONS = {
  WORKER_NOT_STARTED:
    'Run `npm run setup`, which provides the worker, or set MEDIASOUP_WORKER_BIN to one that runs on this machine.',
  RTC_PORTS_USED_UP: 'Give the media node a larger range of RTC ports, or free some of them.',
  RTC_ADDRESS_UNUSABLE: 'Give the media node a listen IP that this machine has.',
} as const;

export type MediaNodeErrorCode = keyof typeof ACTIONS;

/** The reason why a media node cannot start. The message says what happened and what to do. */
export class MediaNodeError extends Error {
  override readonly name = 'MediaNodeError';
  readonly code: MediaNodeErrorCode;

  constructor(code: MediaNodeErrorCode, what: string, cause?: unknown) {
    super(`${code}: ${what} ${ACTIONS[code]}`, { cause });
    this.code = code;
  }
}

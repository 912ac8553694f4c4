import { notSupported } from '../errors.ts';

const WHAT = 'Local recordings';

/** States of OpenVidu's recorder of a stream. */
export const LocalRecorderState = {
  /** It can record. The only state here. */
  READY: 'READY',
  /** It records. Never used. */
  RECORDING: 'RECORDING',
  /** It is paused. Never used. */
  PAUSED: 'PAUSED',
  /** A recording exists. Never used. */
  FINISHED: 'FINISHED',
} as const;
/** Any of the names above. */
export type LocalRecorderState = (typeof LocalRecorderState)[keyof typeof LocalRecorderState];

/**
 * OpenVidu's recorder of a stream in the page. It records nothing: every method rejects or throws a `RejoinError`
 * GENERIC_ERROR with the code NOT_SUPPORTED. The browser's own `MediaRecorder` takes `stream.getMediaStream()`.
 */
export class LocalRecorder {
  /** Always `READY`. */
  readonly state: LocalRecorderState = LocalRecorderState.READY;

  /** Rejects. */
  async record(_options?: unknown): Promise<void> {
    throw notSupported(WHAT);
  }

  /** Rejects. */
  async stop(): Promise<void> {
    throw notSupported(WHAT);
  }

  /** Rejects. */
  async pause(): Promise<void> {
    throw notSupported(WHAT);
  }

  /** Rejects. */
  async resume(): Promise<void> {
    throw notSupported(WHAT);
  }

  /** Throws. */
  preview(_parentElement: unknown): HTMLVideoElement {
    throw notSupported(WHAT);
  }

  /** Does nothing, because there is no recording to discard. */
  clean(): void {}

  /** Throws. */
  download(): void {
    throw notSupported(WHAT);
  }

  /** Throws. */
  getBlob(): Blob {
    throw notSupported(WHAT);
  }

  /** Rejects. */
  async uploadAsBinary(_endpoint: string, _headers?: unknown): Promise<unknown> {
    throw notSupported(WHAT);
  }

  /** Rejects. */
  async uploadAsMultipartfile(_endpoint: string, _headers?: unknown): Promise<unknown> {
    throw notSupported(WHAT);
  }
}

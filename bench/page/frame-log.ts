import type { ShownFrame } from '../report/frames.ts';
import { readStamp } from './stamped-video.ts';

/** Runs in the page. Writes down when each frame of a video is shown, and the number drawn into it. */
export class FrameLog {
  readonly #frames: ShownFrame[] = [];
  readonly #video: HTMLVideoElement;
  readonly #stamped: boolean;
  #handle = 0;

  constructor(video: HTMLVideoElement, stamped: boolean) {
    this.#video = video;
    this.#stamped = stamped;
    this.#watch();
  }

  get frames(): readonly ShownFrame[] {
    return this.#frames;
  }

  stop(): void {
    this.#video.cancelVideoFrameCallback(this.#handle);
  }

  #watch(): void {
    this.#handle = this.#video.requestVideoFrameCallback((now, { presentedFrames: presented }) => {
      const at = performance.timeOrigin + now;
      this.#frames.push(this.#stamped ? { at, presented, stamp: readStamp(this.#video) } : { at, presented });
      this.#watch();
    });
  }
}

import { type ShownFrame, sentFrames } from '../report/frames.ts';
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

  /** How many of them somebody has sent. */
  get sent(): number {
    return sentFrames(this.#frames).length;
  }

  stop(): void {
    this.#video.cancelVideoFrameCallback(this.#handle);
  }

  #watch(): void {
    this.#handle = this.#video.requestVideoFrameCallback((now, metadata) => {
      const { presentedFrames: presented, rtpTimestamp, width } = metadata;
      const frame: ShownFrame = { at: performance.timeOrigin + now, presented, rtpTimestamp, width };
      this.#frames.push(this.#stamped ? { ...frame, stamp: readStamp(this.#video) } : frame);
      this.#watch();
    });
  }
}

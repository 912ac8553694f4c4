import { type Full, fullAfter, type Move, moveAfter, type ShownFrame, sentFrames } from '../report/frames.ts';
import { readStamp } from './stamped-video.ts';

/** Runs in the page. Records when each frame of a video is shown, and the number drawn into it. */
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

  /** Frames shown after `since`; times are Unix time, ms. */
  after(since: number): ShownFrame[] {
    return this.#frames.filter(({ at }) => at > since);
  }

  /** Number of sent frames that were shown. */
  get sent(): number {
    return sentFrames(this.#frames).length;
  }

  get lastAt(): number | undefined {
    return sentFrames(this.#frames).at(-1)?.at;
  }

  fullAfter(since: number, full: Full): number | undefined {
    return fullAfter(this.#frames, since, full);
  }

  moveAfter(since: number): Move | undefined {
    return moveAfter(this.#frames, since);
  }

  stop(): void {
    this.#video.cancelVideoFrameCallback(this.#handle);
  }

  #watch(): void {
    this.#handle = this.#video.requestVideoFrameCallback((now, metadata) => {
      this.#watch();
      const { presentedFrames: presented, rtpTimestamp, width } = metadata;
      const frame: ShownFrame = { at: performance.timeOrigin + now, presented, rtpTimestamp, width };
      this.#frames.push(this.#stamped ? { ...frame, stamp: readStamp(this.#video) } : frame);
    });
  }
}

declare global {
  /** Of the other participant's picture. */
  var frameLog: FrameLog | undefined;
}

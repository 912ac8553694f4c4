import type { VideoDimensions } from '../session/stream.ts';

const EVERY_MS = 650;

export interface DimensionsWatchOptions {
  /** The size of what is sent now; `undefined`: not known. */
  readonly read: () => VideoDimensions | undefined;
  /** The size is another one. `isOtherTrack`: the track is another, too. */
  readonly changed: (dimensions: VideoDimensions, isOtherTrack: boolean) => void;
}

/**
 * Notices that a video has become larger or smaller. A size counts when it is read twice in a row: while a phone is turned,
 * or a track exchanged, there may be others for a moment.
 */
export class DimensionsWatch {
  readonly #options: DimensionsWatchOptions;
  #known: VideoDimensions | undefined;
  #last: VideoDimensions | undefined;
  #isOtherTrack = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: DimensionsWatchOptions) {
    this.#options = options;
  }

  /** `known`: what has been told. */
  start(known: VideoDimensions): void {
    this.#known = known;
    this.#timer ??= setInterval(() => this.#look(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** From now on, sizes are those of another track. */
  trackReplaced(): void {
    this.#isOtherTrack = true;
    this.#last = undefined;
  }

  #look(): void {
    const now = this.#options.read();
    const last = this.#last;
    this.#last = now;
    if (!now || !isSame(now, last)) return;
    const isOtherTrack = this.#isOtherTrack;
    this.#isOtherTrack = false;
    if (isSame(now, this.#known)) return;
    this.#known = now;
    this.#options.changed(now, isOtherTrack);
  }
}

function isSame(one: VideoDimensions, other: VideoDimensions | undefined): boolean {
  return one.width === other?.width && one.height === other.height;
}

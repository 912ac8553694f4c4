/** Standstills of the pictures around a recovery. */
export interface GapReport {
  /** The longest time between two frames, ms. */
  readonly longestMs: number;
  /** The participant with this picture. */
  readonly name: string;
  readonly pictures: readonly { readonly name: string; readonly gapMs: number }[];
}

/** A watched picture. */
export interface Picture {
  readonly name: string;
  /** False for a muted camera, which sends no frames but causes no gap. */
  readonly active: boolean;
}

interface Watched {
  readonly picture: () => Picture;
  lastFrame: number | undefined;
  longest: number;
}

/** How long the pictures are watched after the last sign of a failure. */
const SETTLE_MS = 2_000;

/**
 * Watches every frame of the remote videos, and reports the longest gap around each recovery. A background page
 * reports nothing, because browsers draw no frames there.
 */
export class FrameGaps {
  readonly #watched = new Set<Watched>();
  readonly #report: (report: GapReport) => void;
  #looking = false;
  #blind = false;
  #end: ReturnType<typeof setTimeout> | undefined;

  constructor(report: (report: GapReport) => void) {
    this.#report = report;
    document.addEventListener('visibilitychange', () => {
      this.#blind ||= document.hidden;
      for (const watched of this.#watched) watched.lastFrame = undefined;
    });
  }

  /** Watches a video. Returns a function that stops it. */
  watch(video: HTMLVideoElement, picture: () => Picture): () => void {
    if (!('requestVideoFrameCallback' in video)) return () => {};
    const watched: Watched = { picture, lastFrame: undefined, longest: 0 };
    let handle = 0;
    const onFrame = (now: number): void => {
      if (watched.lastFrame !== undefined) watched.longest = Math.max(watched.longest, now - watched.lastFrame);
      if (!this.#looking) watched.longest = 0;
      watched.lastFrame = now;
      handle = video.requestVideoFrameCallback(onFrame);
    };
    handle = video.requestVideoFrameCallback(onFrame);
    this.#watched.add(watched);
    return () => {
      video.cancelVideoFrameCallback(handle);
      this.#watched.delete(watched);
    };
  }

  /** An event may have stopped the pictures. `goesOn`: watch until `settle`. */
  look(goesOn: boolean): void {
    if (!this.#looking) {
      this.#looking = true;
      this.#blind = document.hidden;
    }
    clearTimeout(this.#end);
    if (!goesOn) this.settle();
  }

  /** The failure is over, or nearly: the new pictures may still be on their way. */
  settle(): void {
    if (!this.#looking) return;
    clearTimeout(this.#end);
    this.#end = setTimeout(() => this.#finish(), SETTLE_MS);
  }

  /** Stops watching. */
  stop(): void {
    clearTimeout(this.#end);
    this.#looking = false;
  }

  #finish(): void {
    this.#looking = false;
    const now = performance.now();
    const pictures = [...this.#watched].flatMap(({ picture, lastFrame, longest }) => {
      const { name, active } = picture();
      if (!active || lastFrame === undefined) return [];
      return [{ name, gapMs: Math.round(Math.max(longest, now - lastFrame)) }];
    });
    const [worst] = pictures.toSorted((one, other) => other.gapMs - one.gapMs);
    if (worst && !this.#blind) this.#report({ longestMs: worst.gapMs, name: worst.name, pictures });
  }
}

/** How long the pictures stood still around a recovery. */
export interface GapReport {
  /** The longest time between two frames, ms. */
  readonly longestMs: number;
  /** Whose picture it was. */
  readonly name: string;
  readonly pictures: readonly { readonly name: string; readonly gapMs: number }[];
}

/** A picture to look at. */
export interface Picture {
  readonly name: string;
  /** A muted camera sends no frames, which is no gap. */
  readonly active: boolean;
}

interface Watched {
  readonly picture: () => Picture;
  lastFrame: number | undefined;
  longest: number;
}

/** How long after the last word of trouble the pictures are still looked at. */
const SETTLE_MS = 2_000;

/**
 * Looks at every frame of the remote videos, and reports the longest time without one around each recovery. Nothing is
 * reported of a page that is in the background, where browsers draw no frames.
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

  /** Watches a video. Returns the function that ends it. */
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

  /** Something happened that may have stopped the pictures. `goesOn`: until `settle`. */
  look(goesOn: boolean): void {
    if (!this.#looking) {
      this.#looking = true;
      this.#blind = document.hidden;
    }
    clearTimeout(this.#end);
    if (!goesOn) this.settle();
  }

  /** It is over, or nearly: the new pictures may be on their way. */
  settle(): void {
    if (!this.#looking) return;
    clearTimeout(this.#end);
    this.#end = setTimeout(() => this.#finish(), SETTLE_MS);
  }

  /** There is nothing left to look at. */
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

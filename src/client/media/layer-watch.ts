/** How often it looks, ms: a layer that stops is missed by every viewer until they are given a smaller one. */
const EVERY_MS = 250;
/** A layer has stopped when the smallest has sent so many frames since its last one: fewer come by chance of the timing. */
const MISSED = 4;
/** A layer is about to stop when there is less room than this times what it needs. */
const NARROW = 1.15;
/** It goes on when there has been more room than this, and frames of it, for so many looks. */
const WIDE = 1.4;
const STEADY_LOOKS = 4;

/** A layer as it is sent now, the smallest first. */
export interface SentLayer {
  readonly framesSent: number;
  /** bit/s, with all that is sent before it: below that browsers do not send it. */
  readonly needs: number;
}

export interface LayerReading {
  readonly layers: readonly SentLayer[];
  /** bit/s. What the network is thought to carry, where the browser tells. */
  readonly room?: number | undefined;
}

export interface LayerWatchOptions {
  /** `undefined`: nothing is sent at the moment. */
  readonly read: () => Promise<LayerReading | undefined>;
  /** So many of the layers are sent and will be for a while, counted from the smallest. */
  readonly changed: (layers: number) => void;
}

interface Known {
  framesSent: number;
  /** The smallest layer's frames at the time of the last one of this. */
  smallest: number;
  steady: number;
}

/**
 * Watches which layers of a video are sent. A browser stops the larger ones as soon as the network gets narrow, and a media
 * node would take a second and a half to see it: its viewers are told to change before, or at once.
 */
export class LayerWatch {
  readonly #options: LayerWatchOptions;
  readonly #known: Known[] = [];
  #layers: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LayerWatchOptions) {
    this.#options = options;
    this.#later();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #later(): void {
    this.#timer = setTimeout(() => void this.#look(), EVERY_MS);
  }

  async #look(): Promise<void> {
    const timer = this.#timer;
    const reading = await this.#options.read().catch(() => undefined);
    if (timer !== this.#timer) return;
    this.#later();
    if (!reading) return;
    const before = this.#layers ?? reading.layers.length;
    const layers = this.#count(reading, before);
    this.#layers = layers;
    if (layers !== before) this.#options.changed(layers);
  }

  #count({ layers, room = Number.POSITIVE_INFINITY }: LayerReading, before: number): number {
    const smallest = layers[0]?.framesSent ?? 0;
    let count = 0;
    for (const [at, { framesSent, needs }] of layers.entries()) {
      const known = this.#known[at] ?? { framesSent: 0, smallest, steady: 0 };
      this.#known[at] = known;
      if (framesSent !== known.framesSent) Object.assign(known, { framesSent, smallest });
      const isSent = smallest - known.smallest < MISSED;
      known.steady = isSent && room > needs * WIDE ? known.steady + 1 : 0;
      const isCarried = at < before ? isSent && room > needs * NARROW : known.steady >= STEADY_LOOKS;
      // The smallest is sent for as long as anything is.
      if (at === 0 || (isCarried && count === at)) count += 1;
    }
    return count;
  }
}

import type { Spectrum } from './speech-detector.ts';

/** Events that browsers count as a wish to hear sound: before the first of them, an AudioContext may not run. */
const GESTURES = ['click', 'keydown', 'touchend'] as const;

/** A track that is listened to, until it is closed. */
export interface ListenedTrack {
  readonly spectrum: Spectrum;
  close(): void;
}

/**
 * The AudioContext of all tracks, because browsers allow few. It exists while there are listeners, and closes with the last.
 */
export class SharedAudio {
  readonly #make: () => AudioContext;
  #context: AudioContext | undefined;
  #users = 0;

  /** `make`: how an AudioContext is made; throws where the browser has none to give. */
  constructor(make: () => AudioContext = () => new AudioContext()) {
    this.#make = make;
  }

  /** `undefined` where the browser cannot. In a context that the browser does not let run yet there is silence. */
  listen(track: MediaStreamTrack): ListenedTrack | undefined {
    try {
      this.#context ??= this.#open();
      const source = this.#context.createMediaStreamSource(new MediaStream([track]));
      const analyser = this.#context.createAnalyser();
      analyser.fftSize = 512;
      analyser.smoothingTimeConstant = 0.1;
      source.connect(analyser);
      this.#users += 1;
      return {
        spectrum: analyser,
        close: () => {
          source.disconnect();
          this.#users -= 1;
          this.#closeIfUnused();
        },
      };
    } catch {
      this.#closeIfUnused();
      return undefined;
    }
  }

  #open(): AudioContext {
    const context = this.#make();
    for (const gesture of GESTURES) addEventListener(gesture, this.#wake);
    return context;
  }

  #closeIfUnused(): void {
    if (this.#users > 0 || !this.#context) return;
    for (const gesture of GESTURES) removeEventListener(gesture, this.#wake);
    this.#context.close().catch(() => {});
    this.#context = undefined;
  }

  readonly #wake = (): void => {
    if (this.#context?.state !== 'running') this.#context?.resume().catch(() => {});
  };
}

/** The page's. */
export const pageAudio = new SharedAudio();

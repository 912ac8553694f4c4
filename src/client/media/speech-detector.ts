import type { PublisherSpeakingEventsOptions } from '../advanced-configuration.ts';

/** The part of an `AnalyserNode` that describes the sound of this moment. */
export interface Spectrum {
  readonly frequencyBinCount: number;
  /** dB of each frequency, the lowest first; -Infinity in silence. */
  getFloatFrequencyData(into: Float32Array<ArrayBuffer>): void;
}

/** Receives the detector's findings. */
export interface Hearing {
  started(): void;
  stopped(): void;
  /** dB, from -100 (silence) to 0. */
  volumeChanged(newValue: number, oldValue: number): void;
}

const SILENCE_DB = -100;
/** The lowest frequencies are the hum of rooms and machines. */
const HUM_BINS = 4;
/** A click is loud once: speech is loud again within so many looks. */
const AGAIN_WITHIN_LOOKS = 2;
/** Pauses between words, as a number of looks, are not the end of speech. */
const PAUSE_LOOKS = 10;

/** The loudest of the frequencies that matter, in dB from -100 to 0. */
export function volumeOf(spectrum: Spectrum): number {
  const decibels = new Float32Array(spectrum.frequencyBinCount);
  spectrum.getFloatFrequencyData(decibels);
  let loudest = SILENCE_DB;
  for (const value of decibels.subarray(HUM_BINS)) loudest = Math.max(loudest, value);
  return Math.min(0, loudest);
}

/** Tells speech from noise and pauses, looking again and again at how loud it is. */
export class SpeechDetector {
  readonly #hearing: Hearing;
  readonly #now: () => number;
  #volume = SILENCE_DB;
  #isSpeaking = false;
  #looksSinceLoud = Number.POSITIVE_INFINITY;
  #loudAt = 0;

  /** `now`: ms. */
  constructor(hearing: Hearing, now: () => number = () => performance.now()) {
    this.#hearing = hearing;
    this.#now = now;
  }

  /** Looks once; to be called every `interval` ms. `threshold`: the volume from which on it may be speech, dB. */
  look(spectrum: Spectrum, { interval, threshold }: Required<PublisherSpeakingEventsOptions>): void {
    const before = this.#volume;
    this.#volume = volumeOf(spectrum);
    if (this.#volume !== before) this.#hearing.volumeChanged(this.#volume, before);
    const now = this.#now();
    this.#looksSinceLoud += 1;
    if (this.#volume > threshold) {
      if (!this.#isSpeaking && this.#looksSinceLoud <= AGAIN_WITHIN_LOOKS) {
        this.#isSpeaking = true;
        this.#hearing.started();
      }
      this.#looksSinceLoud = 0;
      this.#loudAt = now;
    } else if (this.#isSpeaking && now - this.#loudAt >= PAUSE_LOOKS * interval) {
      // By time, as looks are rare in a page that nobody looks at.
      this.#stop();
    }
  }

  /** There is nothing to be heard any more; what is heard next begins anew. */
  end(): void {
    if (this.#isSpeaking) this.#stop();
    this.#volume = SILENCE_DB;
    this.#looksSinceLoud = Number.POSITIVE_INFINITY;
  }

  #stop(): void {
    this.#isSpeaking = false;
    this.#hearing.stopped();
  }
}

import type { PublisherSpeakingEventsOptions } from '../advanced-configuration.ts';
import { type ListenedTrack, pageAudio, type SharedAudio } from './shared-audio.ts';
import { type Hearing, SpeechDetector } from './speech-detector.ts';

export interface SpeechWatchOptions {
  readonly hearing: Hearing;
  /** The track to listen to; `undefined`: there is none, or no listener. */
  readonly track: () => MediaStreamTrack | undefined;
  /** Read at each look, because the application may change them. */
  readonly settings: () => Required<PublisherSpeakingEventsOptions>;
  readonly audio?: SharedAudio;
}

/** Measures the audio of a stream while it has listeners, across changes of its tracks. */
export class SpeechWatch {
  readonly #options: SpeechWatchOptions;
  readonly #detector: SpeechDetector;
  #track: MediaStreamTrack | undefined;
  #listened: ListenedTrack | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SpeechWatchOptions) {
    this.#options = options;
    this.#detector = new SpeechDetector(options.hearing);
  }

  /** The track, or the wish to know of it, may be another one. */
  refresh(): void {
    const track = this.#options.track();
    if (track === this.#track) return;
    clearTimeout(this.#timer);
    this.#listened?.close();
    this.#track = track;
    // Another track goes on where the one before ended.
    if (!track) this.#detector.end();
    this.#listened = track && (this.#options.audio ?? pageAudio).listen(track);
    if (this.#listened) this.#lookLater();
  }

  #lookLater(): void {
    const settings = this.#options.settings();
    this.#timer = setTimeout(() => {
      if (!this.#listened) return;
      this.#lookLater();
      this.#detector.look(this.#listened.spectrum, settings);
    }, settings.interval);
  }
}

import type { Publisher } from '../../src/client/index.ts';
import { Observable } from './observable.ts';
import { type Problem, problemOf } from './problem.ts';
import { sdk } from './sdk.ts';

export type Kind = 'audio' | 'video';

/** This page's camera and microphone. A device opens at its first use. */
export class OwnMedia extends Observable {
  publisher: Publisher | undefined;
  /** Whether they are on. */
  readonly active: Record<Kind, boolean> = { audio: false, video: false };
  opening = false;
  problem: Problem | undefined;
  readonly #onPublisher: (publisher: Publisher) => void;

  /** `onPublisher` gets each new publisher before it is published. */
  constructor(onPublisher: (publisher: Publisher) => void) {
    super();
    this.#onPublisher = onPublisher;
  }

  /**
   * Opens the requested devices; without any, there is no publisher. @throws {RejoinError} if a device cannot be
   * opened
   */
  async open(wanted: Readonly<Record<Kind, boolean>>): Promise<void> {
    this.problem = undefined;
    if (!wanted.audio && !wanted.video) return this.close();
    this.opening = true;
    this.changed();
    try {
      const publisher = new (sdk().Rejoin)().initPublisher(undefined, {
        audioSource: wanted.audio ? undefined : false,
        videoSource: wanted.video ? undefined : false,
      });
      await publisher.ready;
      // Keep the camera open when a session ends, because the next session uses it, too. `close` closes it.
      publisher.on('streamDestroyed', (event) => event.preventDefault());
      this.#onPublisher(publisher);
      this.publisher?.dispose();
      this.publisher = publisher;
      Object.assign(this.active, wanted);
    } catch (error) {
      this.problem = problemOf(error);
      throw error;
    } finally {
      this.opening = false;
      this.changed();
    }
  }

  close(): void {
    this.publisher?.dispose();
    this.publisher = undefined;
    Object.assign(this.active, { audio: false, video: false });
    this.changed();
  }

  /**
   * Turns a device on or off. Returns whether there is a new publisher to publish. @throws {Error} if the device
   * cannot be opened
   */
  async toggle(kind: Kind): Promise<boolean> {
    if (this.opening) return false;
    const on = !this.active[kind];
    if (on && !this.#has(kind)) {
      await this.open({ ...this.active, [kind]: true });
      return true;
    }
    this.active[kind] = on;
    this.changed();
    await (kind === 'audio' ? this.publisher?.publishAudio(on) : this.publisher?.publishVideo(on));
    return false;
  }

  dismissProblem(): void {
    this.problem = undefined;
    this.changed();
  }

  #has(kind: Kind): boolean {
    const stream = this.publisher?.mediaStream;
    return (kind === 'audio' ? stream?.getAudioTracks() : stream?.getVideoTracks())?.length === 1;
  }
}

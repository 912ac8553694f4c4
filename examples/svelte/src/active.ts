import type { StreamManager } from 'rejoin';
import { createSubscriber } from 'svelte/reactivity';

/** Whether a publisher's or subscriber's audio and video are on, as its publisher mutes and unmutes them. */
export class Active {
  readonly #manager: StreamManager;
  readonly #subscribe: () => void;

  constructor(manager: StreamManager) {
    this.#manager = manager;
    this.#subscribe = createSubscriber((update) => {
      manager.on('streamPropertyChanged', update);
      return () => manager.off('streamPropertyChanged', update);
    });
  }

  get audio() {
    this.#subscribe();
    return this.#manager.stream.audioActive;
  }

  get video() {
    this.#subscribe();
    return this.#manager.stream.videoActive;
  }
}

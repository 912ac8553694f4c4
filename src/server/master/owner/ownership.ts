import { setTimeout as delay } from 'node:timers/promises';

/** `unknown`: neither the store nor the media node can be asked at this moment. */
export type Owned = 'yes' | 'no' | 'unknown';

/**
 * Confirms the ownership before a client is told that something was done for everyone. A master that was frozen or cut off may
 * have been replaced without knowing, so members who joined since were not reached. Simultaneous questions share an answer,
 * which is never older than any of them.
 */
export class Ownership {
  readonly #look: () => Promise<Owned>;
  readonly #againMs: number;
  #running: Promise<Owned> | undefined;
  #next: Promise<Owned> | undefined;

  /** `againMs`: delay before the next attempt while the answer is `unknown`. */
  constructor(look: () => Promise<Owned>, againMs = 250) {
    this.#look = look;
    this.#againMs = againMs;
  }

  /** Resolves when the answer is known; retries until then. `isWanted`: whether the answer still matters. */
  async confirm(isWanted: () => boolean): Promise<boolean> {
    for (;;) {
      const owned = await this.#ask();
      if (owned !== 'unknown' || !isWanted()) return owned === 'yes';
      await delay(this.#againMs);
    }
  }

  #ask(): Promise<Owned> {
    // A check already under way may reflect the state before this question, so a new one follows it.
    this.#next ??= (this.#running ?? Promise.resolve()).then(() => {
      this.#next = undefined;
      const running = this.#look().finally(() => {
        if (this.#running === running) this.#running = undefined;
      });
      this.#running = running;
      return running;
    });
    return this.#next;
  }
}

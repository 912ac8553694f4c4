import { setTimeout as delay } from 'node:timers/promises';

/** `unknown`: nobody who could tell can be asked at this moment. */
export type Owned = 'yes' | 'no' | 'unknown';

/**
 * Whether a session is still owned here, asked where it counts: before a client is told that something has been done for
 * everyone. A master that was frozen or cut off may have been replaced without knowing, and whoever is in the session since then
 * has not been reached by it. Those who ask at once share an answer, which is never older than the question.
 */
export class Ownership {
  readonly #look: () => Promise<Owned>;
  readonly #againMs: number;
  #running: Promise<Owned> | undefined;
  #next: Promise<Owned> | undefined;

  /** `againMs`: before it is asked again, while nobody can tell. */
  constructor(look: () => Promise<Owned>, againMs = 250) {
    this.#look = look;
    this.#againMs = againMs;
  }

  /** Resolves when it is known; while nobody can tell, it waits. `isWanted`: whether the answer still matters. */
  async confirm(isWanted: () => boolean): Promise<boolean> {
    for (;;) {
      const owned = await this.#ask();
      if (owned !== 'unknown' || !isWanted()) return owned === 'yes';
      await delay(this.#againMs);
    }
  }

  #ask(): Promise<Owned> {
    // A look that is under way may have seen what was true before the question.
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

/** Lets work that concerns the same thing run one after the other, in the order in which it came; other work is not held up. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Of how many things something is under way. */
  get size(): number {
    return this.#last.size;
  }

  /** Begins at once where nothing of `key` is under way. A failure is the caller's, and does not stop what waits behind it. */
  take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const turn = before ? before.then(work, work) : work();
    this.#last.set(key, turn);
    const done = (): void => {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    };
    turn.then(done, done);
    return turn;
  }
}

/** Runs work with the same key sequentially, in the order of the calls. Work with different keys isn't delayed. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** The number of keys with work in progress. */
  get size(): number {
    return this.#last.size;
  }

  /** Starts at once if no work with `key` is in progress. A failure goes only to its caller and doesn't stop later work. */
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

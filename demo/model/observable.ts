/** State that the page shows. Notifies its listeners of any change, without details. */
export abstract class Observable {
  readonly #listeners = new Set<() => void>();

  /** Returns a function that unsubscribes. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  protected changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

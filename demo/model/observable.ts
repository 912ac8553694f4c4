/** Something that the page shows. Tells that it has changed, not what. */
export abstract class Observable {
  readonly #listeners = new Set<() => void>();

  /** Returns the function that ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  protected changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

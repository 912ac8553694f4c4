/** So many bytes at once, of something that others draw on, too; a budget may be part of a larger one. */
export class ByteBudget {
  readonly #limit: number;
  readonly #within: ByteBudget | undefined;
  #used = 0;

  constructor(limit: number, within?: ByteBudget) {
    this.#limit = limit;
    this.#within = within;
  }

  get used(): number {
    return this.#used;
  }

  fits(bytes: number): boolean {
    return this.#used + bytes <= this.#limit && (this.#within?.fits(bytes) ?? true);
  }

  /** Counts bytes, whether they fit or not. Negative: given back. */
  add(bytes: number): void {
    this.#used += bytes;
    this.#within?.add(bytes);
  }
}

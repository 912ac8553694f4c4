/** A shared limit of bytes held at a time. A budget may be part of a larger one. */
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

  /** Counts bytes, even if they don't fit. A negative number returns them. */
  add(bytes: number): void {
    this.#used += bytes;
    this.#within?.add(bytes);
  }
}

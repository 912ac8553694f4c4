/**
 * Recognises what has arrived before. A signal that was on its way when an owner crashed is sent again by its sender, and
 * comes twice to those who had it already; that is a matter of seconds, so the newest ids are enough.
 */
export class RecentIds {
  readonly #limit: number;
  readonly #ids = new Set<string>();

  constructor(limit = 2_000) {
    this.#limit = limit;
  }

  /** `false` when `id` has been here before. */
  isNew(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    for (const oldest of this.#ids) {
      if (this.#ids.size <= this.#limit) break;
      this.#ids.delete(oldest);
    }
    return true;
  }
}

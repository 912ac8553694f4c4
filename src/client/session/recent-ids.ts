/**
 * Recognises repeated signals. After an owner's crash, senders repeat undelivered signals, and some receivers get
 * them twice. Repetitions come within seconds, so the newest ids are enough.
 */
export class RecentIds {
  readonly #limit: number;
  readonly #ids = new Set<string>();

  constructor(limit = 2_000) {
    this.#limit = limit;
  }

  /** `false` if `id` has arrived before. */
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

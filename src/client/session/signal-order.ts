import type { ConnectionId } from '../../protocol/ids.ts';

/**
 * Recognises signals that have been here before, and those that were said before this client joined. What was on its way when
 * an owner crashed is sent again by its sender: to those who have had it, and perhaps to some who came later and have had newer
 * ones since. Each sender numbers what it says, and nothing arrives out of order but for those two reasons.
 *
 * Repetitions come within seconds, though also of senders who have left meanwhile: those who spoke last are remembered.
 */
export class SignalOrder {
  readonly #limit: number;
  readonly #newest = new Map<ConnectionId, number>();

  constructor(limit = 2_000) {
    this.#limit = limit;
  }

  isNew(from: ConnectionId, number: number): boolean {
    if (number <= (this.#newest.get(from) ?? 0)) return false;
    this.#newest.delete(from);
    this.#newest.set(from, number);
    for (const quietest of this.#newest.keys()) {
      if (this.#newest.size <= this.#limit) break;
      this.#newest.delete(quietest);
    }
    return true;
  }
}

import type { ConnectionId, RequestId } from '../../protocol/ids.ts';

/**
 * Recognises signals that have been here before, and those that were said before this client joined. What was on its way when
 * an owner crashed is sent again by its sender: to those who have had it, and perhaps to some who came later and have had newer
 * ones since. Each sender numbers what it says, and nothing arrives out of order but for those two reasons.
 */
export class SignalOrder {
  readonly #newest = new Map<ConnectionId, RequestId>();

  isNew(from: ConnectionId, number: RequestId): boolean {
    if (number <= (this.#newest.get(from) ?? 0)) return false;
    this.#newest.set(from, number);
    return true;
  }

  /** It has left, and says nothing more. */
  forget(from: ConnectionId): void {
    this.#newest.delete(from);
  }
}

import type { ConnectionId } from '../../protocol/ids.ts';

/**
 * Recognises repeated signals, and signals older than this client's join. After an owner's crash, senders repeat
 * undelivered signals. Some receivers have them already; others joined later and have newer ones. Each sender numbers
 * its signals, and they arrive in order except for these two cases.
 *
 * Repetitions come within seconds, but also from senders that have left meanwhile, so the most recent senders are
 * remembered.
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

import type { ConnectionId } from '../../../protocol/ids.ts';
import type { MediaState } from '../../../protocol/model.ts';

/**
 * The summary of the clients' answers. `flows`: at least one says so and none contradicts. `mixed`: media flows only for some.
 * `silent`: every client that can tell says so. `unknown`: all have answered and none can tell. `open`: some have not answered.
 */
export type Word = 'flows' | 'mixed' | 'silent' | 'unknown' | 'open';

/** Collects the answers of clients that were asked, at one moment, whether their media flows. */
export class MediaTestimony {
  readonly askedAt: number;
  readonly #waiting: Set<ConnectionId>;
  readonly #said = new Map<ConnectionId, MediaState>();

  constructor(asked: Iterable<ConnectionId>, askedAt: number) {
    this.#waiting = new Set(asked);
    this.askedAt = askedAt;
  }

  /** Takes an answer; ignores clients that were not asked. */
  answer(client: ConnectionId, state: MediaState): void {
    if (this.#waiting.delete(client) || this.#said.has(client)) this.#said.set(client, state);
  }

  /** Drops a client that has left. */
  forget(client: ConnectionId): void {
    this.#waiting.delete(client);
    this.#said.delete(client);
  }

  get word(): Word {
    const said = new Set(this.#said.values());
    if (said.has('flows')) return said.has('silent') ? 'mixed' : 'flows';
    if (this.#waiting.size > 0) return 'open';
    return said.has('silent') ? 'silent' : 'unknown';
  }
}

import type { ConnectionId } from '../../../protocol/ids.ts';
import type { MediaState } from '../../../protocol/model.ts';

/**
 * The clients' answers about the media, taken together. `flows`: at least one says so and none contradicts. `mixed`: it flows for some
 * only. `silent`: all that can tell say so. `unknown`: all have answered, and none can tell. `open`: some have not answered.
 */
export type Word = 'flows' | 'mixed' | 'silent' | 'unknown' | 'open';

/** The answers of the clients that were asked at one moment whether their media flows. */
export class MediaTestimony {
  readonly askedAt: number;
  readonly #waiting: Set<ConnectionId>;
  readonly #said = new Map<ConnectionId, MediaState>();

  constructor(asked: Iterable<ConnectionId>, askedAt: number) {
    this.#waiting = new Set(asked);
    this.askedAt = askedAt;
  }

  /** An answer; of a client that was not asked, nothing. */
  answer(client: ConnectionId, state: MediaState): void {
    if (this.#waiting.delete(client) || this.#said.has(client)) this.#said.set(client, state);
  }

  /** A client that has left says nothing any more. */
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

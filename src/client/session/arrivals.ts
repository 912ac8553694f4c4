import type { Subscriber } from '../media/subscriber.ts';

interface Awaited {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Promises of callers that wait for a stream's media. A crash does not reject them, because the stream arrives after
 * the rebuild.
 */
export class Arrivals {
  readonly #awaited = new Map<Subscriber, Awaited>();

  of(subscriber: Subscriber): Promise<void> {
    const known = this.#awaited.get(subscriber);
    if (known) return known.promise;
    let settle: Omit<Awaited, 'promise'> | undefined;
    const promise = new Promise<void>((resolve, reject) => {
      settle = { resolve, reject };
    });
    if (settle) this.#awaited.set(subscriber, { promise, ...settle });
    return promise;
  }

  arrived(subscriber: Subscriber): void {
    this.#awaited.get(subscriber)?.resolve();
    this.#awaited.delete(subscriber);
  }

  failed(subscriber: Subscriber, error: unknown): void {
    this.#awaited.get(subscriber)?.reject(error);
    this.#awaited.delete(subscriber);
  }

  /** Rejects all, because no stream arrives any more. */
  end(error: unknown): void {
    for (const subscriber of [...this.#awaited.keys()]) this.failed(subscriber, error);
  }
}

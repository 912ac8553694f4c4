import { ProtocolError } from '../../protocol/errors.ts';

/** The common part of transports, producers and consumers. */
export interface MediaObject {
  readonly closed: boolean;
  close(): void;
  readonly observer: { once(event: 'close', listener: () => void): unknown };
}

/** A media object with the data that its master attached to it. */
export interface Held<T extends MediaObject, D> {
  readonly key: string;
  readonly object: T;
  appData: D;
}

/**
 * Media objects by the keys that the master chose. Storing promises makes two simultaneous commands with the same key create one object.
 * Closed objects are removed, whatever closed them.
 */
export class Keyed<T extends MediaObject, D> {
  readonly #held = new Map<string, Promise<Held<T, D>>>();

  get size(): number {
    return this.#held.size;
  }

  get(key: string): Promise<Held<T, D>> | undefined {
    return this.#held.get(key);
  }

  /** The object with this key; calls `create` if there is none. After a failure the key can be tried again. */
  make(key: string, appData: D, create: () => Promise<T>): Promise<Held<T, D>> {
    const known = this.#held.get(key);
    if (known) return known;
    const forget = (): void => {
      if (this.#held.get(key) === made) this.#held.delete(key);
    };
    const made = create().then(
      (object) => {
        if (this.#held.get(key) !== made || object.closed) {
          object.close();
          forget();
          throw new ProtocolError('UNAVAILABLE', `${key} was closed while it was made`);
        }
        object.observer.once('close', forget);
        return { key, object, appData };
      },
      (error: unknown) => {
        forget();
        throw error;
      },
    );
    this.#held.set(key, made);
    return made;
  }

  /** All objects, including those still being created. */
  async all(): Promise<Held<T, D>[]> {
    const settled = await Promise.allSettled(this.#held.values());
    return settled.flatMap((made) => (made.status === 'fulfilled' && !made.value.object.closed ? [made.value] : []));
  }

  /** Closes the object with this key, at once or when it has been created. An unknown key has no effect. */
  close(key: string): void {
    const made = this.#held.get(key);
    if (!made) return;
    this.#held.delete(key);
    made.then(
      ({ object }) => object.close(),
      () => {},
    );
  }

  clear(): void {
    this.#held.clear();
  }
}

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

/** A key that is in use. `order`: of the last command that has asked for the object. */
interface Entry<T extends MediaObject, D> {
  readonly made: Promise<Held<T, D>>;
  order: number;
}

/** So many closed keys are remembered: many more than a master closes while a command of it may still be on its way. */
const CLOSED_KNOWN = 10_000;

/**
 * Media objects by the keys that the master chose. Storing promises makes two simultaneous commands with the same key create one object.
 * Closed objects are removed, whatever closed them. Of two commands with an `order`, the later one counts.
 */
export class Keyed<T extends MediaObject, D> {
  readonly #held = new Map<string, Entry<T, D>>();
  /** The order of the command that closed a key, the oldest first. */
  readonly #closed = new Map<string, number>();
  /** Objects that were closed and may still be there. */
  readonly #closing = new Map<string, Promise<void>>();

  get size(): number {
    return this.#held.size;
  }

  get(key: string): Promise<Held<T, D>> | undefined {
    return this.#held.get(key)?.made;
  }

  /**
   * The object with this key; calls `create` if there is none. After a failure the key can be tried again.
   * @throws {ProtocolError} UNAVAILABLE: closed meanwhile, or by a later command that arrived before this one
   */
  make(key: string, appData: D, create: () => Promise<T>, order?: number): Promise<Held<T, D>> {
    const known = this.#held.get(key);
    if (known) {
      known.order = Math.max(known.order, order ?? 0);
      return known.made;
    }
    if (order !== undefined && order < (this.#closed.get(key) ?? 0)) {
      return Promise.reject(new ProtocolError('UNAVAILABLE', `${key} has been closed by a later command`));
    }
    const forget = (): void => {
      if (this.get(key) === made) this.#held.delete(key);
    };
    // The worker refuses two objects with the same media over one transport.
    const closing = this.#closing.get(key);
    const made: Promise<Held<T, D>> = (closing ? closing.then(create) : create()).then(
      (object) => {
        if (this.get(key) !== made || object.closed) {
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
    this.#held.set(key, { made, order: order ?? 0 });
    return made;
  }

  /** All objects, including those still being created. */
  async all(): Promise<Held<T, D>[]> {
    const settled = await Promise.allSettled([...this.#held.values()].map(({ made }) => made));
    return settled.flatMap((made) => (made.status === 'fulfilled' && !made.value.object.closed ? [made.value] : []));
  }

  /**
   * Closes the object with this key, at once or when it has been created, unless a later command has asked for it. An unknown key has
   * no effect.
   */
  close(key: string, order?: number): void {
    const known = this.#held.get(key);
    if (order !== undefined) {
      if (known && order < known.order) return;
      this.#rememberClosed(key, order);
    }
    if (!known) return;
    this.#held.delete(key);
    const closing = known.made
      .then(
        ({ object }) => object.close(),
        () => {},
      )
      .then(() => {
        if (this.#closing.get(key) === closing) this.#closing.delete(key);
      });
    this.#closing.set(key, closing);
  }

  /** The commands are numbered from 1 again: another master sends them. */
  numberAnew(): void {
    this.#closed.clear();
    for (const entry of this.#held.values()) entry.order = 0;
  }

  clear(): void {
    this.#held.clear();
    this.#closed.clear();
  }

  #rememberClosed(key: string, order: number): void {
    const last = Math.max(order, this.#closed.get(key) ?? 0);
    this.#closed.delete(key);
    this.#closed.set(key, last);
    const [oldest] = this.#closed.keys();
    if (this.#closed.size > CLOSED_KNOWN && oldest !== undefined) this.#closed.delete(oldest);
  }
}

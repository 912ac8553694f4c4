import { EventEmitter } from 'eventemitter3';
import { BARE, worksInProxies } from './reactive-proxy.ts';

/** A function that is called with an event. */
export type Listener<Payload> = (event: Payload) => void;

/** Calls the application. Its errors are thrown separately, so that the page sees them and the SDK continues. */
export function callOut(work: () => void): void {
  try {
    work();
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}

/** Base of sessions, publishers and subscribers, which emit events. Also exported as `EventDispatcher`. */
export class TypedEmitter<Events extends object = object> {
  /** @internal */
  readonly [BARE] = (): this => this;
  readonly #emitter = new EventEmitter<string>();
  /** Maps the wrappers of `once` to the application's listeners. */
  readonly #onces = new WeakMap<Listener<unknown>, Listener<unknown>>();

  /**
   * Calls `listener` at every event of this name. Late listeners also get events that have already happened,
   * asynchronously: `streamCreated` and `accessAllowed` of a publisher, `videoElementCreated` and `streamPlaying` of
   * a publisher or subscriber.
   */
  on<E extends keyof Events & string>(name: E, listener: Listener<Events[E]>): this {
    this.#emitter.on(name, listener as Listener<unknown>);
    this.listenersChanged(name);
    this.#tellLate(name, listener, () => this.#emitter.listeners(name).includes(listener as Listener<unknown>));
    return this;
  }

  /**
   * Calls `listener` once: at the next event of this name, or asynchronously if the event has already happened, see
   * `on`.
   */
  once<E extends keyof Events & string>(name: E, listener: Listener<Events[E]>): this {
    if (this.#tellLate(name, listener)) return this;
    const once = (event: Events[E]): void => {
      this.off(name, once);
      listener.call(this, event);
    };
    this.#onces.set(once as Listener<unknown>, listener as Listener<unknown>);
    this.#emitter.on(name, once as Listener<unknown>);
    this.listenersChanged(name);
    return this;
  }

  /** Removes `listener` from events of this name; without `listener`, removes all. */
  off<E extends keyof Events & string>(name: E, listener?: Listener<Events[E]>): this {
    for (const known of this.#emitter.listeners(name)) {
      if (!listener || known === listener || this.#onces.get(known) === listener) this.#emitter.off(name, known);
    }
    this.listenersChanged(name);
    return this;
  }

  /** @internal */
  hasListeners(name: keyof Events & string): boolean {
    return this.#emitter.listenerCount(name) > 0;
  }

  /** @internal */
  emitEvent<E extends keyof Events & string>(name: E, event: Events[E]): void {
    for (const listener of this.#emitter.listeners(name)) callOut(() => listener.call(this, event));
  }

  /** The event of this name, if it has already happened. */
  protected lateEvent(_name: keyof Events & string): Events[keyof Events & string] | undefined {
    return undefined;
  }

  /** Called when a listener for this event was added or removed. */
  protected listenersChanged(_name: keyof Events & string): void {}

  #tellLate<E extends keyof Events & string>(name: E, listener: Listener<Events[E]>, wanted = () => true): boolean {
    const event = this.lateEvent(name) as Events[E] | undefined;
    if (event === undefined) return false;
    queueMicrotask(() => {
      if (wanted()) listener.call(this, event);
    });
    return true;
  }
}
worksInProxies(TypedEmitter);

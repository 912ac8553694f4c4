import { EventEmitter } from 'eventemitter3';
import { BARE, worksInProxies } from './reactive-proxy.ts';

/** Called with an event. */
export type Listener<Payload> = (event: Payload) => void;

/** Calls the application: what it throws is thrown on its own, where the page sees it, and stops nothing here. */
export function callOut(work: () => void): void {
  try {
    work();
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}

/** What sessions, publishers and subscribers have in common: they tell events. Also exported as `EventDispatcher`. */
export class TypedEmitter<Events extends object = object> {
  /** @internal */
  readonly [BARE] = (): this => this;
  readonly #emitter = new EventEmitter<string>();
  /** What the application has given, of those that are called once. */
  readonly #onces = new WeakMap<Listener<unknown>, Listener<unknown>>();

  /**
   * Calls `listener` at every event of this name. Who listens late is told what is true already, in a moment:
   * `streamCreated` and `accessAllowed` of a publisher, `videoElementCreated` and `streamPlaying` of it or a subscriber.
   */
  on<E extends keyof Events & string>(name: E, listener: Listener<Events[E]>): this {
    this.#emitter.on(name, listener as Listener<unknown>);
    this.listenersChanged(name);
    this.#tellLate(name, listener, () => this.#emitter.listeners(name).includes(listener as Listener<unknown>));
    return this;
  }

  /** Calls `listener` at the next event of this name, or in a moment if it is true already: see `on`. */
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

  /** Calls `listener` no longer at events of this name; without a listener, nobody. */
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

  /** An event of this name that is true already. */
  protected lateEvent(_name: keyof Events & string): Events[keyof Events & string] | undefined {
    return undefined;
  }

  /** Who listens for events of this name has changed. */
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

import { EventEmitter } from 'eventemitter3';

type Listener<Payload> = (event: Payload) => void;

/**
 * Events by name, one argument each. OpenVidu's applications attach listeners late: `lateEvent` may answer, for a name,
 * an event that is already true and that a new listener is told too.
 */
export class TypedEmitter<Events extends object> {
  readonly #emitter = new EventEmitter<string>();

  on<E extends keyof Events & string>(name: E, listener: Listener<Events[E]>): this {
    this.#emitter.on(name, listener as Listener<unknown>);
    this.#tellLate(name, listener);
    return this;
  }

  once<E extends keyof Events & string>(name: E, listener: Listener<Events[E]>): this {
    if (this.#tellLate(name, listener)) return this;
    const once = (event: Events[E]): void => {
      this.off(name, once);
      listener.call(this, event);
    };
    this.#emitter.on(name, once as Listener<unknown>);
    return this;
  }

  /** Without a listener: all of this name. */
  off<E extends keyof Events & string>(name: E, listener?: Listener<Events[E]>): this {
    this.#emitter.off(name, listener as Listener<unknown> | undefined);
    return this;
  }

  /** For the SDK's own use. What a listener throws is thrown on its own, where the page sees it, and stops nothing here. */
  emitEvent<E extends keyof Events & string>(name: E, event: Events[E]): void {
    for (const listener of this.#emitter.listeners(name)) {
      try {
        listener.call(this, event);
      } catch (error) {
        setTimeout(() => {
          throw error;
        });
      }
    }
  }

  /** An event of this name that is true already. */
  protected lateEvent(_name: keyof Events & string): Events[keyof Events & string] | undefined {
    return undefined;
  }

  #tellLate<E extends keyof Events & string>(name: E, listener: Listener<Events[E]>): boolean {
    const event = this.lateEvent(name) as Events[E] | undefined;
    if (event === undefined) return false;
    queueMicrotask(() => listener.call(this, event));
    return true;
  }
}

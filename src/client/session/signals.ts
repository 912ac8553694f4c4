import type { ServerEvents } from '../../protocol/frames.ts';
import type { Params } from '../../protocol/methods.ts';
import { RecentIds } from './recent-ids.ts';
import type { SignalOptions } from './session-options.ts';
import { SignalOrder } from './signal-order.ts';

/** Recognises repeated signals. */
export class SignalInbox {
  readonly #order = new SignalOrder();
  readonly #ids = new RecentIds();

  isNew({ id, from, number }: ServerEvents['signal']): boolean {
    // Signals of the REST API have no sender to number them.
    return from && number ? this.#order.isNew(from, number) : this.#ids.isNew(id);
  }
}

/** The request that sends a signal. As in OpenVidu, its type may have the prefix of the events. */
export function signalRequest(id: string, number: number, { type, data, to }: SignalOptions): Params<'signal'> {
  const bare = type?.replace(/^signal:/, '');
  return {
    id,
    number,
    ...(bare ? { type: bare } : {}),
    ...(data === undefined ? {} : { data }),
    ...(to?.length ? { to: to.map(({ connectionId }) => connectionId) } : {}),
  };
}

/** The name of the event that follows `signal`, if the signal has a type. */
export function signalEventName(type: string | undefined): `signal:${string}` | 'signal' {
  return type ? `signal:${type}` : 'signal';
}

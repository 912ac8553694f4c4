import type { ServerEvents } from '../../protocol/frames.ts';
import type { Params } from '../../protocol/methods.ts';
import { RecentIds } from './recent-ids.ts';
import type { SignalOptions } from './session-options.ts';
import { SignalOrder } from './signal-order.ts';

/** Recognises the signals that have been here before. */
export class SignalInbox {
  readonly #order = new SignalOrder();
  readonly #ids = new RecentIds();

  isNew({ id, from, number }: ServerEvents['signal']): boolean {
    // Those of the REST API have no sender who could number them.
    return from && number ? this.#order.isNew(from, number) : this.#ids.isNew(id);
  }
}

/** What is asked of the server to send a signal. As in OpenVidu, its type may be given with the events' prefix. */
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

/** The name of the event besides `signal`, which is told of every signal. */
export function signalEventName(type: string | undefined): `signal:${string}` | 'signal' {
  return type ? `signal:${type}` : 'signal';
}

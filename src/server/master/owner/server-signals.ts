import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { ConnectionId } from '../../../protocol/ids.ts';
import type { Asked } from '../../store/store.ts';
import type { Member } from './member.ts';
import type { OwnedSession } from './session.ts';

export interface ServerSignal {
  readonly id: string;
  readonly type?: string;
  readonly data?: string;
}

/**
 * `repeated`: the signal has been sent already. `otherwise`: this key was used for another signal. `nobody`: the session has no
 * members, or not the named connection.
 */
export type Said = 'said' | 'repeated' | 'otherwise' | { readonly nobody: ConnectionId | undefined };

/** How long present members may take to acknowledge. A client whose network has just broken must not delay the answer. */
const DELIVERY_MS = 2_000;

/** How many keys are remembered. Retries come within seconds, so older ones can be forgotten. */
const REMEMBERED = 1_000;

/** Signals sent by the application's server through REST. */
export class ServerSignals {
  readonly #session: OwnedSession;
  /** Fingerprints of requests that may be retried, by key. */
  readonly #said = new Map<string, string>();

  constructor(session: OwnedSession) {
    this.#session = session;
  }

  /**
   * Puts a signal into the outbox of every recipient.
   * @param to the recipients; empty: everyone
   * @param asked for a request that may be retried
   * @throws {ProtocolError} OUTBOX_OVERFLOW when too much waits for one of them; then no recipient gets it
   */
  say(signal: ServerSignal, to: readonly ConnectionId[], asked?: Asked): Said {
    const before = asked && this.#said.get(asked.key);
    if (before !== undefined) return before === asked?.fingerprint ? 'repeated' : 'otherwise';
    const { members } = this.#session;
    const wanted = to.length > 0 ? new Set(to) : new Set(members.keys());
    const unknown = [...wanted].find((id) => !members.has(id));
    if (wanted.size === 0 || unknown !== undefined) return { nobody: unknown };
    this.#session.signal(
      signal,
      [...wanted].flatMap((id) => members.get(id) ?? []),
    );
    if (to.length === 0) this.#session.missedSignals.add(signal);
    this.#session.note({ kind: 'signalled', ...signal, to: [...wanted] });
    if (asked) this.#remember(asked);
    return 'said';
  }

  /**
   * Resolves when each recipient has the signal, or it is stored for those that are away or do not acknowledge within two seconds. This
   * matters because the application does not retry. `false`: it could not be stored.
   */
  async secured(to: readonly ConnectionId[]): Promise<boolean> {
    const { keptSignals } = this.#session;
    const wanted = this.#membersOf(to);
    const away = wanted.filter(({ presence }) => presence.kind === 'away');
    if (away.length > 0) void keptSignals.keep(away);
    const all = Promise.all(wanted.map(({ outbox }) => outbox.secured()));
    const late = new AbortController();
    const isLate = delay(DELIVERY_MS, true, { signal: late.signal }).catch(() => false);
    // A client that hasn't answered by now is probably gone, even though its socket still looks open.
    if (await Promise.race([all.then(() => false), isLate])) await keptSignals.keep(this.#membersOf(to));
    late.abort();
    return Promise.race([all.then(() => true), nextTurn(false)]);
  }

  #membersOf(to: readonly ConnectionId[]): Member[] {
    const { members } = this.#session;
    return to.length > 0 ? to.flatMap((id) => members.get(id) ?? []) : [...members.values()];
  }

  #remember({ key, fingerprint }: Asked): void {
    this.#said.set(key, fingerprint);
    for (const oldest of this.#said.keys()) {
      if (this.#said.size <= REMEMBERED) break;
      this.#said.delete(oldest);
    }
  }
}

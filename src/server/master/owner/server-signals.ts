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
 * `repeated`: it has been said already. `otherwise`: under this key something else has been said. `nobody`: there is nobody in
 * the session, or not the connection that is named.
 */
export type Said = 'said' | 'repeated' | 'otherwise' | { readonly nobody: ConnectionId | undefined };

/** How long those who are here may take to acknowledge: one of them whose network has just broken must not hold up the answer. */
const DELIVERY_MS = 2_000;

/** A request is said again within seconds, not after so many others. */
const REMEMBERED = 1_000;

/** Signals that come from nobody in the session but from an application's server. */
export class ServerSignals {
  readonly #session: OwnedSession;
  /** Fingerprints, by key, of what may be said again. */
  readonly #said = new Map<string, string>();

  constructor(session: OwnedSession) {
    this.#session = session;
  }

  /**
   * Puts a signal into the outbox of everyone whom it is for.
   * @param to nobody named: everyone
   * @param asked of a request that may be said again
   * @throws {ProtocolError} OUTBOX_OVERFLOW too much waits for one of them: nobody gets it
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
   * Resolves when what was said to `to` has arrived, or is kept for those who are away, or do not answer for two seconds: nobody
   * would say it again. `false`: it could not be kept.
   */
  async secured(to: readonly ConnectionId[]): Promise<boolean> {
    const { keptSignals } = this.#session;
    const wanted = this.#membersOf(to);
    const away = wanted.filter(({ presence }) => presence.kind === 'away');
    if (away.length > 0) void keptSignals.keep(away);
    const all = Promise.all(wanted.map(({ outbox }) => outbox.secured()));
    const late = new AbortController();
    const isLate = delay(DELIVERY_MS, true, { signal: late.signal }).catch(() => false);
    // Who does not answer for so long is most likely gone, although nobody knows of it yet.
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

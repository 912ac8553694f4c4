import { setTimeout as delay } from 'node:timers/promises';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Goodbye } from '../../../protocol/frames.ts';
import type { InstanceId } from '../../shared/identity.ts';
import { type InternalClient, PeerError } from '../../shared/internal-client.ts';
import type { Logger } from '../../shared/logging.ts';
import type { Timing } from '../../shared/timing.ts';
import { type Store, StoreError } from '../../store/store.ts';
import { type Located, type Locator, uniqueIdOf } from '../cluster/locator.ts';
import type { GoodbyeAnswer, GoodbyeBody } from '../link/ports.ts';
import { provesToBe } from '../owner/departures.ts';
import type { Sessions } from '../owner/sessions.ts';

/** Delay before looking again for an owner that has just failed or changed. */
const AGAIN_MS = 50;

export interface GoodbyesParts {
  readonly locator: Locator;
  readonly sessions: Sessions;
  readonly client: InternalClient;
  readonly store: Store;
  readonly timing: Timing;
  readonly log: Logger;
}

/** Takes goodbyes of clients for connections that their socket doesn't serve, and passes them to the owner or the store. */
export class Goodbyes {
  readonly #parts: GoodbyesParts;

  constructor(parts: GoodbyesParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the owner knows or, if the session has no owner any more, the store: the session's next life reads it there. A goodbye
   * without proof changes nothing but resolves, too, so that it doesn't reveal which connections exist.
   * @throws {ProtocolError} UNAVAILABLE: the owner does not answer. The store keeps the goodbye for a later owner, but the client must
   * repeat it for this one.
   */
  async take(goodbye: Goodbye): Promise<void> {
    try {
      if (await this.#tellOwner(goodbye)) return;
      await this.#keep(goodbye);
      throw new ProtocolError('UNAVAILABLE', 'the owner of the session does not answer');
    } catch (error) {
      if (error instanceof StoreError) throw new ProtocolError('UNAVAILABLE', 'the store does not answer');
      throw error;
    }
  }

  /** `false`: there is an owner, but it has not answered within the time of a verdict. */
  async #tellOwner(goodbye: Goodbye): Promise<boolean> {
    const { locator, timing } = this.#parts;
    const until = performance.now() + timing.verdictMs + timing.peerCallMs;
    let suspect: InstanceId | undefined;
    let isKept = false;
    while (performance.now() < until) {
      const located = await locator.locate(goodbye.sessionId, suspect);
      suspect = undefined;
      if (uniqueIdOf(located) !== goodbye.uniqueSessionId && !isKept) {
        await this.#keep(goodbye);
        isKept = true;
        // A new life may have begun before the store had the goodbye, so look again.
        continue;
      }
      if (located.kind === 'nowhere') return true;
      if (located.kind === 'unreachable') return false;
      if (located.kind !== 'changing') {
        try {
          if ((await this.#ask(located, goodbye)) === 'taken') return true;
        } catch (error) {
          if (!(error instanceof PeerError)) throw error;
          if (located.kind === 'elsewhere') suspect = located.owner;
        }
      }
      await delay(AGAIN_MS);
    }
    return false;
  }

  async #ask(
    located: Extract<Located, { kind: 'here' | 'elsewhere' }>,
    goodbye: Goodbye,
  ): Promise<GoodbyeAnswer['kind']> {
    const { sessions, client, timing } = this.#parts;
    if (located.kind === 'here') return sessions.farewell(goodbye);
    const url = `${located.url}/internal/goodbye`;
    const body: GoodbyeBody = { goodbye };
    return (await client.call<GoodbyeAnswer>(url, located.owner, body, timing.peerCallMs)).kind;
  }

  /** @throws {StoreError} `unavailable` */
  async #keep(goodbye: Goodbye): Promise<void> {
    const { store, log } = this.#parts;
    const record = await store.getConnection(goodbye.connectionId);
    if (!provesToBe(record, goodbye) || record.leftAt !== undefined) return;
    await store.noteGoodbye(record);
    log.info({ connection: record.connectionId }, 'Kept a goodbye in the store.');
  }
}

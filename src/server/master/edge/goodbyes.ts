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

/** Pause before an owner that has just failed, or just changed, is looked for again. */
const AGAIN_MS = 50;

export interface GoodbyesParts {
  readonly locator: Locator;
  readonly sessions: Sessions;
  readonly client: InternalClient;
  readonly store: Store;
  readonly timing: Timing;
  readonly log: Logger;
}

/** Takes the goodbyes of clients that have no place at a socket any more, and brings them to whom they concern. */
export class Goodbyes {
  readonly #parts: GoodbyesParts;

  constructor(parts: GoodbyesParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the owner knows, or, if the session has none any more, the store: the next life of the session is told. A goodbye
   * without proof changes nothing, and resolves all the same, as it is nobody's business which places there are.
   * @throws {ProtocolError} UNAVAILABLE: the owner does not answer. The store keeps it for the next one; this one must hear it again
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

  /** `false`: there is an owner, and it does not answer for as long as a verdict takes. */
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
        // A life that has begun meanwhile has not read it.
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
    log.info({ connection: record.connectionId }, 'A goodbye is kept in the store.');
  }
}

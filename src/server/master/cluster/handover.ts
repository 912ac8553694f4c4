import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Epoch, SessionId, UniqueSessionId } from '../../../protocol/ids.ts';
import { internalFailure } from '../../shared/http-server.ts';
import type { InternalClient } from '../../shared/internal-client.ts';
import type { Logger } from '../../shared/logging.ts';
import type { Timing } from '../../shared/timing.ts';
import type { Store } from '../../store/store.ts';
import type { OwnedSession } from '../owner/session.ts';
import type { Sessions } from '../owner/sessions.ts';
import type { Directory, LiveNode } from './directory.ts';

interface HandoverBody {
  readonly sessionId: SessionId;
  readonly uniqueSessionId: UniqueSessionId;
  readonly epoch: Epoch;
}

/** How many sessions are handed over at a time. Each takes a few calls, and the receivers also serve clients meanwhile. */
const PARALLEL = 8;
/** How long a slow store may delay the handover of a session. */
const KEEP_MS = 1_000;
/** Delay before sessions that no master took are offered again. */
const ROUND_PAUSE_MS = 100;

export interface HandoverParts {
  readonly sessions: Sessions;
  readonly directory: Directory;
  readonly client: InternalClient;
  readonly store: Store;
  readonly timing: Timing;
  readonly log: Logger;
  /** Whether this master accepts sessions from others. */
  readonly accepts: () => boolean;
}

/**
 * Hands the sessions of a master that drains to the others, whatever their policy, because nothing has crashed. The receiver claims
 * and adopts as after a crash. The giver stops taking requests just before, so that none is lost in between.
 */
export class Handover {
  readonly #parts: HandoverParts;

  constructor(parts: HandoverParts) {
    this.#parts = parts;
  }

  /** Hands over all sessions. Resolves when that is done or after `deadlineMs`, and logs how many are left. */
  async giveAll(deadlineMs: number): Promise<void> {
    const { sessions, log } = this.#parts;
    const until = performance.now() + deadlineMs;
    // Several rounds: a session may have been arriving here when the drain began, or no master could take it at first.
    while (sessions.size > 0 && performance.now() < until) {
      const queue = sessions.all();
      const work = async (): Promise<void> => {
        for (let session = queue.pop(); session && performance.now() < until; session = queue.pop()) {
          await this.#give(session);
        }
      };
      await Promise.all(Array.from({ length: PARALLEL }, work));
      if (sessions.size > 0) await delay(ROUND_PAUSE_MS);
    }
    if (sessions.size > 0)
      log.error({ sessions: sessions.size }, 'Failed to hand over sessions; they end as in a crash.');
  }

  register(app: FastifyInstance): void {
    const { sessions, store, directory, accepts } = this.#parts;
    app.post<{ Body: HandoverBody }>('/internal/handover', async ({ body }, reply) => {
      try {
        const record = await store.getSession(body.sessionId);
        const same = record?.uniqueSessionId === body.uniqueSessionId && record.epoch === body.epoch;
        if (!accepts() || !same) return { taken: false };
        await sessions.takeOver(record, record.mediaNode && (await directory.locate(record.mediaNode)));
        return { taken: sessions.get(body.sessionId)?.record.uniqueSessionId === body.uniqueSessionId };
      } catch (error) {
        const { status, body: answer } = internalFailure(error);
        return reply.code(status).send(answer);
      }
    });
  }

  async #give(session: OwnedSession): Promise<void> {
    const { sessionId, uniqueSessionId, epoch } = session.record;
    if (!session.freeze()) return;
    // Signals that clients have not acknowledged would be lost with the outboxes.
    await Promise.race([session.keptSignals.keep([...session.members.values()]), delay(KEEP_MS)]);
    for (const master of this.#receivers()) {
      if (await this.#offer(master, { sessionId, uniqueSessionId, epoch })) return session.handedOver();
    }
    // A master that didn't answer in time may have taken the session all the same.
    const now = await this.#parts.store.getSession(sessionId).catch(() => undefined);
    if (now && now.epoch > epoch) session.handedOver();
    else session.unfreeze();
  }

  async #offer({ url, instance }: LiveNode, body: HandoverBody): Promise<boolean> {
    const { client, timing, log } = this.#parts;
    try {
      const timeoutMs = timing.peerCallMs + timing.mediaCommandMs;
      return (await client.call<{ taken: boolean }>(`${url}/internal/handover`, instance, body, timeoutMs)).taken;
    } catch (error) {
      log.warn({ err: error, peer: instance, session: body.uniqueSessionId }, 'A master did not take a session.');
      return false;
    }
  }

  /** The ready masters, least loaded first. Those that may be dead come last. */
  #receivers(): LiveNode[] {
    const ready = this.#parts.directory.live('master').filter(({ beat }) => beat?.ready);
    const load = ({ beat }: LiveNode): number => beat?.load ?? 0;
    return ready.sort((a, b) => Number(a.isDoubted) - Number(b.isDoubted) || load(a) - load(b));
  }
}

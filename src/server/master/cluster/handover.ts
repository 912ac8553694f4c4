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

/** How many sessions are handed over at a time: each is a few calls, and the receivers serve others meanwhile. */
const PARALLEL = 8;
/** How long a store that is slow may hold this up. */
const KEEP_MS = 1_000;
/** Before what nobody has taken is offered again. */
const ROUND_PAUSE_MS = 100;

export interface HandoverParts {
  readonly sessions: Sessions;
  readonly directory: Directory;
  readonly client: InternalClient;
  readonly store: Store;
  readonly timing: Timing;
  readonly log: Logger;
  /** Whether this master takes sessions from others. */
  readonly accepts: () => boolean;
}

/**
 * A master that is asked to end gives its sessions to the others, whatever their policy: nothing has crashed. The receiver
 * claims and adopts as after a crash; the giver takes nothing from clients from just before, so that nothing is in between.
 */
export class Handover {
  readonly #parts: HandoverParts;

  constructor(parts: HandoverParts) {
    this.#parts = parts;
  }

  /** Gives away all there are. Resolves when it is done or `deadlineMs` is over; what is left then is said. */
  async giveAll(deadlineMs: number): Promise<void> {
    const { sessions, log } = this.#parts;
    const until = performance.now() + deadlineMs;
    // More than one round: one may have been on its way here when the end was asked for, or nobody could take it at first.
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
    if (sessions.size > 0) log.error({ sessions: sessions.size }, 'Not handed over: these sessions end as in a crash.');
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
    // What has been answered and not acknowledged would be lost with the outboxes.
    await Promise.race([session.keptSignals.keep([...session.members.values()]), delay(KEEP_MS)]);
    for (const master of this.#receivers()) {
      if (await this.#offer(master, { sessionId, uniqueSessionId, epoch })) return session.handedOver();
    }
    // One that has not answered in time may have taken it all the same.
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
      log.warn({ err: error, peer: instance, session: body.uniqueSessionId }, 'A session was not taken.');
      return false;
    }
  }

  /** The least loaded first; those that may be dead last. */
  #receivers(): LiveNode[] {
    const ready = this.#parts.directory.live('master').filter(({ beat }) => beat?.ready);
    const load = ({ beat }: LiveNode): number => beat?.load ?? 0;
    return ready.sort((a, b) => Number(a.isDoubted) - Number(b.isDoubted) || load(a) - load(b));
  }
}

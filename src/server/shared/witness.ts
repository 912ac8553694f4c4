import type { FastifyInstance } from 'fastify';
import type { InstanceId } from './identity.ts';
import type { InternalClient } from './internal-client.ts';

/** Names a node instead of an address: the witness looks the address up itself, so that no caller can make it call anything else. */
interface WitnessQuestion {
  readonly instance: InstanceId;
  /** How long the witness may try, ms. */
  readonly withinMs: number;
}

export interface Testimony {
  /** `unknown`: the witness doesn't know the node. */
  readonly found: 'reached' | 'unreached' | 'unknown';
}

/** More witnesses would hardly make a wrong verdict rarer. */
const MAX_WITNESSES = 3;
/** Share of the time for the witness's attempt; the rest is for its answer to arrive. */
const WITNESS_SHARE = 0.8;
/** Longer than any verdict. */
const MOST_MS = 60_000;

/**
 * Lets this node testify: it tries to reach another node and says whether it has. A node that answers others but not this master is not
 * dead; a link is cut. Its sessions must stay with it, or two masters that don't hear each other would take each other's
 * sessions again and again.
 *
 * `urlOf`: the URL of a node of the cluster, from this node's own knowledge.
 */
export function registerWitness(
  app: FastifyInstance,
  client: InternalClient,
  urlOf: (instance: InstanceId) => string | undefined,
): void {
  app.post<{ Body: WitnessQuestion }>('/internal/witness', async ({ body }): Promise<Testimony> => {
    const { instance, withinMs } = body;
    const url = urlOf(instance);
    if (url === undefined) return { found: 'unknown' };
    const answering = await client.ping(url, Math.min(Number(withinMs) || 0, MOST_MS)).catch(() => undefined);
    return { found: answering === instance ? 'reached' : 'unreached' };
  });
}

/**
 * Asks `witnesses` about a node. `reached`: a witness reaches it. `unreached`: witnesses answer, but none reaches it. `noAnswer`: no
 * witness answers, so this process itself may be cut off.
 */
export async function askWitnesses(
  client: InternalClient,
  witnesses: readonly { readonly url: string; readonly instance: InstanceId }[],
  about: InstanceId,
  withinMs: number,
): Promise<'reached' | 'unreached' | 'noAnswer'> {
  const question: WitnessQuestion = { instance: about, withinMs: Math.floor(withinMs * WITNESS_SHARE) };
  const asked = witnesses.slice(0, MAX_WITNESSES).map(async ({ url, instance }) => {
    const { found } = await client.call<Testimony>(`${url}/internal/witness`, instance, question, withinMs);
    if (found === 'unreached') throw new Unreached();
    if (found === 'unknown') throw new Error('The witness does not know the node.');
  });
  try {
    await Promise.any(asked);
    return 'reached';
  } catch (error) {
    const answered = (error as AggregateError).errors.some((one) => one instanceof Unreached);
    return answered ? 'unreached' : 'noAnswer';
  }
}

/** A witness has failed to reach the node. */
class Unreached extends Error {}

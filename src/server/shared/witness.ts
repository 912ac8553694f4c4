import type { FastifyInstance } from 'fastify';
import type { InstanceId } from './identity.ts';
import type { InternalClient } from './internal-client.ts';

/** Names the node and not its address: a witness looks that up itself, so nobody can make it call anything else. */
interface WitnessQuestion {
  readonly instance: InstanceId;
  /** How long the witness may try, ms. */
  readonly withinMs: number;
}

export interface Testimony {
  /** `unknown`: the witness knows of no such node. */
  readonly found: 'reached' | 'unreached' | 'unknown';
}

/** Asking more of them makes a wrong verdict hardly rarer. */
const MAX_WITNESSES = 3;
/** What is left of the time for the witness' own answer to arrive. */
const WITNESS_SHARE = 0.8;
/** No verdict takes longer. */
const MOST_MS = 60_000;

/**
 * Every node bears witness: it tries to reach another one and says whether it has. A node that does not answer one master
 * and answers others is not dead, there is a link cut; what it owns must not be taken from it, or two masters that do not
 * hear each other would take each other's sessions again and again.
 *
 * `urlOf`: where a node of the cluster is, as this one knows by itself.
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
 * Asks `witnesses` about a node. `reached`: one of them reaches it. `unreached`: some answer, and none does.
 * `noAnswer`: nobody can be asked, so it may be this process that is cut off.
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

/** A witness has tried in vain. */
class Unreached extends Error {}

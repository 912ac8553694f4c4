import type { NodeLease, Store } from '../store/store.ts';
import type { Identity } from './identity.ts';
import { type InternalClient, PeerError } from './internal-client.ts';
import type { Logger } from './logging.ts';

/** How long the nodes that are listed may take to answer before this process starts without their word, ms. */
const ASK_MS = 1_000;

export type ClusterEntryErrorName = 'IdTaken' | 'SecretRefused';

/** The cluster doesn't take this process in. The message says why and what to do. */
export class ClusterEntryError extends Error {
  override readonly name: ClusterEntryErrorName;

  constructor(name: ClusterEntryErrorName, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = name;
  }
}

export interface ClusterEntry {
  readonly self: Identity;
  readonly store: Pick<Store, 'listNodes'>;
  readonly client: InternalClient;
  readonly log: Logger;
}

interface Answer {
  readonly lease: NodeLease;
  /** The instance that answers at the lease's address; `undefined`: none does. */
  readonly instance: string | undefined;
  readonly refusal: PeerError | undefined;
}

/**
 * Asks the nodes that the store lists whether this process may join them, before it is listed itself. A node that is down or
 * silent says nothing against it, nor does a store that is away.
 * @throws {ClusterEntryError}
 */
export async function enterCluster({ self, store, client, log }: ClusterEntry): Promise<void> {
  const leases = await store.listNodes().catch((error: unknown) => {
    log.warn({ err: error }, 'The store does not answer, so this process starts without asking the others.');
    return [];
  });
  // A lease for this very address is that of a former run, as this process has the port now.
  const others = leases.filter(({ url }) => url !== self.url);
  const answers = await Promise.all(others.map((lease) => ask(client, lease)));

  const twin = answers.find(({ lease, instance }) => lease.id === self.id && lease.instance === instance);
  if (twin) {
    throw logged(
      log,
      new ClusterEntryError(
        'IdTaken',
        `The ${twin.lease.role} at ${twin.lease.url} runs under the id ${self.id} already. Give this process another --id, or end the other one first.`,
      ),
    );
  }
  const refusals = answers.filter(({ refusal }) => refusal?.failure === 'unauthorized');
  const isAccepted = answers.some(({ instance }) => instance !== undefined);
  for (const { lease, refusal } of refusals) {
    const error = refusedBy(lease.instance, lease.url, refusal);
    // Where some accept this process, the fault is on the side of those that don't.
    if (!isAccepted) throw logged(log, error);
    log.error({ err: error }, 'A node of the cluster refuses this process, and others accept it.');
  }
}

/** The error about a process at `url` that doesn't accept this one's signature; its own words say why. */
export function refusedBy(who: string, url: string, refusal: PeerError | undefined): ClusterEntryError {
  const said = refusal?.said ?? 'Is another program there?';
  return new ClusterEntryError('SecretRefused', `${who} at ${url} refuses the calls of this process. ${said}`, refusal);
}

async function ask(client: InternalClient, lease: NodeLease): Promise<Answer> {
  try {
    return { lease, instance: await client.ping(lease.url, ASK_MS), refusal: undefined };
  } catch (error) {
    return { lease, instance: undefined, refusal: error instanceof PeerError ? error : undefined };
  }
}

function logged(log: Logger, error: ClusterEntryError): ClusterEntryError {
  log.fatal({ err: error }, 'This process cannot join the cluster.');
  return error;
}

import type { NodeLease, Store } from '../store/store.ts';
import type { Identity } from './identity.ts';
import { type InternalClient, PeerError } from './internal-client.ts';
import type { Logger } from './logging.ts';

/** How long the listed nodes may take to answer before this process starts without their answer, ms. */
const ASK_MS = 1_000;

export type ClusterEntryErrorName = 'IdTaken' | 'SecretRefused';

/** The cluster refuses this process. The message says why and what to do. */
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
  /** The instance that answers at the lease's address. `undefined`: no answer. */
  readonly instance: string | undefined;
  readonly refusal: PeerError | undefined;
}

/**
 * Asks the listed nodes whether this process may join them, before it is listed itself. Nodes that are down or silent don't prevent it,
 * nor does a store that is down.
 * @throws {ClusterEntryError}
 */
export async function enterCluster({ self, store, client, log }: ClusterEntry): Promise<void> {
  const leases = await store.listNodes().catch((error: unknown) => {
    log.warn({ err: error }, 'The store does not answer, so this process starts without asking the other nodes.');
    return [];
  });
  // A lease for this address belongs to an earlier run, because this process has the port now.
  const others = leases.filter(({ url }) => url !== self.url);
  const answers = await Promise.all(others.map((lease) => ask(client, lease)));

  const twin = answers.find(({ lease, instance }) => lease.id === self.id && lease.instance === instance);
  if (twin) {
    throw logged(
      log,
      new ClusterEntryError(
        'IdTaken',
        `The ${twin.lease.role} at ${twin.lease.url} already runs under the id ${self.id}. Give this process another --id, or end the other one first.`,
      ),
    );
  }
  const refusals = answers.filter(({ refusal }) => refusal?.failure === 'unauthorized');
  const isAccepted = answers.some(({ instance }) => instance !== undefined);
  for (const { lease, refusal } of refusals) {
    const error = refusedBy(lease.instance, lease.url, refusal);
    // If some nodes accept this process, the fault is with those that refuse it.
    if (!isAccepted) throw logged(log, error);
    log.error({ err: error }, 'A node of the cluster refuses this process although others accept it.');
  }
}

/** The error when the process at `url` rejects this one's signature; quotes its reason. */
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

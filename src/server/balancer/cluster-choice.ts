import { refusedBy } from '../shared/cluster-entry.ts';
import type { ClusterId } from '../shared/identity.ts';
import { type InternalClient, PeerError } from '../shared/internal-client.ts';
import type { Logger } from '../shared/logging.ts';
import type { MasterAddress } from './balancer.ts';

/** How long masters may take to answer before the balancer starts without their answer, ms. */
const ASK_MS = 1_000;

/**
 * Asks the masters for their cluster, and joins the most frequent one, or the first in case of a tie. Masters of other stores don't know
 * its sessions; they are logged and kept out.
 * @throws {ClusterEntryError} SecretRefused, when no master accepts the balancer's secret
 */
export async function findCluster(
  masters: readonly MasterAddress[],
  client: InternalClient,
  log: Logger,
): Promise<void> {
  const found: { readonly url: string; readonly cluster: ClusterId | undefined }[] = [];
  const refusals: { readonly url: string; readonly error: PeerError }[] = [];
  await Promise.all(
    masters.map(async ({ internalUrl: url }) => {
      try {
        found.push({ url, cluster: (await client.identify(url, ASK_MS)).cluster });
      } catch (error) {
        if (error instanceof PeerError && error.failure === 'unauthorized') refusals.push({ url, error });
      }
    }),
  );
  const [refusal] = refusals;
  if (refusal && found.length === 0) {
    const error = refusedBy('The master', refusal.url, refusal.error);
    log.fatal({ err: error }, 'The balancer cannot join the cluster.');
    throw error;
  }
  const inOrder = masters.flatMap(({ internalUrl }) => found.filter(({ url }) => url === internalUrl));
  const votes = (cluster: ClusterId | undefined): number => found.filter((one) => one.cluster === cluster).length;
  const [chosen] = inOrder.toSorted((a, b) => votes(b.cluster) - votes(a.cluster));
  client.belongsTo(chosen?.cluster);
}

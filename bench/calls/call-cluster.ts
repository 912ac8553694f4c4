import type { FailoverPolicy } from '../../src/server/store/store.ts';
import { ownAddress } from '../../test/fixtures/browsers/own-address.ts';
import { RunningCluster } from '../../test/fixtures/cluster/running-cluster.ts';
import { BenchError } from '../bench-error.ts';
import type { Cleanup } from '../cleanup.ts';
import { DIST } from '../page/site.ts';

/**
 * A killed node stays down this long, ms. On its own machine, its start would not take cores from the nodes that
 * continue its work.
 */
const RESTART_MS = 3_000;

/** The cluster of `npm run demo`, with the benchmarks' pages: balancer, two masters, two media nodes. */
export async function startCallCluster(site: string, cleanup: Cleanup): Promise<RunningCluster> {
  const running = await RunningCluster.start({
    listenIp: ownAddress(),
    restartMs: RESTART_MS,
    directories: [
      { prefix: '/', directory: site },
      { prefix: '/dist/', directory: DIST },
    ],
  });
  cleanup.add(() => running.stop());
  return running;
}

/** Makes a session with this policy, owned by `owner`. */
export async function createSession(
  running: RunningCluster,
  customSessionId: string,
  failover: FailoverPolicy,
  owner: string,
): Promise<void> {
  const base = running.node(owner).url;
  const { status, text } = await running.rest('POST', '/sessions', { customSessionId, failover }, { base });
  if (status !== 200) throw new BenchError('SessionRefused', `${owner} answered ${status} for a session: ${text}`);
}

/** The URLs of a client whose first socket is at `edge`, and which comes back through the balancer. */
export function firstAt(running: RunningCluster, edge: string): string[] {
  return [running.node(edge).url, running.url].map((url) => url.replace('http', 'ws'));
}

import { HostCall } from '../../test/fixtures/hosts/host-call.ts';
import { HostCluster } from '../../test/fixtures/hosts/host-cluster.ts';
import { NamespacesMissing } from '../../test/fixtures/hosts/namespaces-missing.ts';
import { Pair } from '../../test/fixtures/hosts/pair.ts';
import { BenchError } from '../bench-error.ts';
import type { Context } from '../benchmark.ts';
import type { Source } from '../page/own-media.ts';

/**
 * Starts a cluster on separate hosts, and two pages in a browser on another host. @throws {BenchError}
 * NamespacesMissing
 */
export async function startHosts(
  { cleanup, sawBrowser }: Context,
  source?: Source,
): Promise<{ readonly hosts: HostCluster; readonly pair: Pair }> {
  try {
    const hosts = await HostCluster.start();
    cleanup.add(() => hosts.stop());
    const call = await HostCall.open(hosts);
    cleanup.add(() => call.close());
    sawBrowser('chromium', await call.browser.version());
    return { hosts, pair: await Pair.open(hosts, call, source) };
  } catch (error) {
    if (error instanceof NamespacesMissing) throw new BenchError('NamespacesMissing', error.message, error);
    throw error;
  }
}

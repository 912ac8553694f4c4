import { demoFiles } from '../../src/server/dev/demo-page.ts';
import { freePorts } from '../../src/server/dev/ports.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { startPrefixProxy } from '../fixtures/prefix/prefix-proxy.ts';
import { expect, test as inCluster } from './fixtures.ts';

/** The demo behind a proxy with another site at its root. */
const test = inCluster.extend({
  running: [
    async ({ failover }, use) => {
      const [port = 0, balancerPort = 0] = await freePorts('127.0.0.1', 2);
      const proxy = await startPrefixProxy({ port, balancerPort, prefix: '/site/video' });
      const running = await RunningCluster.start({
        failover,
        port: balancerPort,
        publicUrl: `http://localhost:${port}/site/video`,
        directories: demoFiles('dist'),
      });
      await use(running);
      await running.stop();
      await proxy.close();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
});

test('the demo works below a prefix, across the crash of the owner', async ({ running, room, join }) => {
  const ann = await join('Ann');
  const bob = await join('Bob');
  await expect(bob.videos).toHaveCount(1);
  const outside: string[] = [];
  for (const { page } of [ann, bob]) {
    page.on('request', (request) => {
      if (!request.url().startsWith(`${running.url}/`)) outside.push(request.url());
    });
  }
  // The panel of nodes and its kill button call the demo's own server.
  const owner = await running.ownerOf(room);
  const pid = running.node(owner).pid;
  const card = ann.page.locator(`[data-testid="node-card"][data-node-id="${owner}"]`);
  await card.getByTestId('kill-button').click();
  await expect(ann.event('rebuilt')).toHaveCount(1);
  await expect(bob.event('rebuilt')).toHaveCount(1);
  await expect(bob.videos).toHaveCount(1);
  expect(outside).toEqual([]);
  await running.restarted(owner, pid);
});

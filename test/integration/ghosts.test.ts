import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newIdentity } from '../../src/server/shared/identity.ts';
import { InternalClient } from '../../src/server/shared/internal-client.ts';
import { Secrets } from '../../src/server/shared/secrets.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start();
});
after(() => running.stop());

test('an attachment that its edge gave up before the answer does not keep a member forever', async () => {
  const watcher = new SdkClient();
  await watcher.session.connect(await running.token('ghosts', { owner: 'master-2' }));
  const edge = running.node('master-1').url;
  const leaver = await RawClient.join(`${edge.replace('http', 'ws')}/rejoin`, await running.token('ghosts'));
  const welcome = await leaver.frame('welcome');
  leaver.cut();
  await watcher.happened('connectionPresence');

  // The edge's request for its client, which reaches the owner late.
  const secrets = Secrets.of(running.cluster.secret);
  const asker = new InternalClient(secrets, newIdentity('balancer', 'test', '').instance);
  const edgeInstance = await asker.ping(running.node('master-1').internalUrl, 1_000);
  const client = new InternalClient(secrets, edgeInstance);
  const owner = running.node('master-2').internalUrl;
  const attachment = `${edgeInstance}#999999`;
  const resume = { ...welcome, received: welcome.seq, nextRequest: 1 };
  const hello = { t: 'hello', v: 1, sdk: 'test', resume };
  const body = { request: { attachment, hello, ip: '', platform: '' } };
  const answer = await client.call<{ kind: string }>(`${owner}/internal/attach`, undefined, body, 2_000);
  assert.equal(answer.kind, 'welcome');
  await Promise.all([asker.close(), client.close()]);

  await watcher.happened('connectionPresence', 3, 10_000);
  const told = watcher.seen.filter(({ event }) => event === 'connectionPresence');
  assert.deepEqual(
    told.map(({ detail }) => (detail as { presence: string }).presence),
    ['away', 'here', 'away'],
  );
  watcher.session.disconnect();
});

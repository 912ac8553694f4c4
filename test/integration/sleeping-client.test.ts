import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { SilentPath } from '../fixtures/cluster/silent-path.ts';
import { Sleeper } from '../fixtures/cluster/sleeper.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  // Longer than a client takes to find out that its socket is dead: it comes back sooner after the last word that it has read.
  running = await RunningCluster.start({ timing: { resumeGraceMs: 8_000 } });
});
after(() => running.stop());

test('a client sleeps for longer than its place is kept, and something was sent to it: it takes another place', async () => {
  const room = 'asleep';
  const stays = new SdkClient();
  const path = await SilentPath.to(running.url);
  const sleeper = await Sleeper.join(() => running.token(room), path.url);
  await stays.session.connect(await running.token(room));
  sleeper.sleep();
  try {
    // While its machine takes what is sent, and its program does not.
    const said = stays.session.signal({ data: 'are you there?' });
    await stays.happened('connectionDestroyed', 1, 20_000);
    await said;
  } finally {
    sleeper.wake();
  }
  await until('it is back', () => sleeper.told.length > 0, 20_000);
  assert.deepEqual(sleeper.told, [{ kind: 'told', event: 'rebuilt' }]);
  assert.equal(sleeper.tokensAsked, 2);
  sleeper.end();
  path.close();
  stays.session.disconnect();
});

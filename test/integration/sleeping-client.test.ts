import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { SilentPath } from '../fixtures/cluster/silent-path.ts';
import { Sleeper } from '../fixtures/cluster/sleeper.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  // Longer than a client needs to detect a dead socket, because it must not return sooner after its last received
  // message.
  running = await RunningCluster.start({ timing: { resumeGraceMs: 8_000 } });
});
after(() => running.stop());

test('a client sleeps for longer than the grace period, and a signal was sent to it: it joins again', async () => {
  const room = 'asleep';
  const stays = new SdkClient();
  const path = await SilentPath.to(running.url);
  const sleeper = await Sleeper.join(() => running.token(room), path.url);
  await stays.session.connect(await running.token(room));
  sleeper.sleep();
  try {
    // Its machine still accepts data, but its program does not run.
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

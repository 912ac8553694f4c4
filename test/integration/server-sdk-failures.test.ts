import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { AppRetries } from '../fixtures/node-client/app-retries.ts';
import { originalSdk, rejoinSdk } from '../fixtures/node-client/server-sdk.ts';
import { storm } from '../fixtures/node-client/storm.ts';
import { seededRandom, seeds } from '../fixtures/random.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ masters: 3, failover: 'takeover' });
});
after(() => running.stop());

for (const seed of seeds(1)) {
  test(`rejoin/node-client: its calls survive kills of masters, and take effect once (SEED=${seed})`, async (t) => {
    let repeats = 0;
    const sdk = rejoinSdk(() => running, {
      onRetry: () => {
        repeats += 1;
      },
    });
    const { rounds, kills } = await storm(sdk, running, seededRandom(seed));
    t.diagnostic(`${kills} kills, ${rounds} rounds, ${repeats} repeats`);
    assert.ok(repeats > 0, 'no call met a failure');
  });

  test(`openvidu-node-client: during kills of masters it gets only 502, 503 and 504 (SEED=${seed})`, async (t) => {
    const retries = new AppRetries();
    const sdk = originalSdk(() => running, retries);
    const { rounds, kills } = await storm(sdk, running, seededRandom(seed), retries);
    t.diagnostic(`${kills} kills, ${rounds} rounds, ${retries.repeats} repeats`);
    assert.ok(retries.repeats > 0, 'no call met a failure');
  });
}

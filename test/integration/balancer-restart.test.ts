import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DEFAULT_RETRY } from '../../src/client/signaling/backoff.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';

const MEMBERS = 80;
/** Long enough for many attempts in vain: each is refused at once. */
const DOWN_MS = 2_000;

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ masters: 2, failover: 'takeover', restartMs: DOWN_MS });
});
after(() => running.stop());

function attemptsOf({ seen }: SdkClient): { at: number; delayMs: number }[] {
  const told = seen.filter(({ event }) => event === 'reconnecting');
  return told.map(({ at, detail }) => ({ at, delayMs: (detail as { nextDelayMs: number }).nextDelayMs }));
}

test('80 members lose their only balancer: nobody waits for longer than half of the outage so far', async (t) => {
  const clients = Array.from({ length: MEMBERS }, () => new SdkClient());
  for (const { session } of clients) await session.connect(() => running.token('crowd'));
  for (const client of clients) client.forget();

  const { pid } = running.node('balancer-1');
  const diedAt = performance.now();
  running.cluster.kill('balancer-1');
  await running.restarted('balancer-1', pid);
  const reachableMs = performance.now() - diedAt;
  const back = await Promise.all(clients.map((client) => client.happened('reconnected')));

  const lastMs = Math.max(...back.map(({ at }) => at - diedAt));
  t.diagnostic(`reachable after ${Math.round(reachableMs)} ms, the last is back after ${Math.round(lastMs)} ms`);
  assert.ok(reachableMs > DOWN_MS, `${reachableMs} ms`);
  for (const attempts of clients.map(attemptsOf)) {
    const said = JSON.stringify(attempts.map(({ at, delayMs }) => [Math.round(at - diedAt), delayMs]));
    // A client learns of the loss a little later than it happens, so its half is never the larger.
    for (const { at, delayMs } of attempts)
      assert.ok(delayMs <= Math.max(DEFAULT_RETRY.baseMs, (at - diedAt) / 2) + 1, said);
    assert.ok(attempts.length <= 20, said);
  }
  for (const client of clients)
    assert.deepEqual(
      client.story().filter((event) => event === 'rebuilding'),
      [],
    );
});

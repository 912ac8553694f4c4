import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { MediaNodeError } from '../../src/server/media-node/media-node-error.ts';
import { contents, furnish, Harness, refused } from '../fixtures/media-node/harness.ts';
import { type TestMaster, transportData } from '../fixtures/media-node/master.ts';
import { isRunning, workersOf } from '../fixtures/media-node/processes.ts';
import { rtcPorts, TIMING } from '../fixtures/media-node/settings.ts';
import { until } from '../fixtures/media-node/until.ts';

const harness = new Harness();
afterEach(() => harness.end());

function onlyWorker(): number {
  const [pid, ...others] = workersOf(process.pid);
  assert.ok(pid);
  assert.deepEqual(others, []);
  return pid;
}

async function portOf(owner: TestMaster, room: string): Promise<number | undefined> {
  const params = { key: 'port', appData: transportData('con_a') };
  return (await owner.command(owner.fence(room), 'createTransport', params)).iceCandidates[0]?.port;
}

describe('media node: a worker', () => {
  it('that is killed takes only its rooms along, and is replaced', async () => {
    const { url } = (await harness.mediaNode({ workers: 2 })).identity;
    const owner = await harness.master(url);
    for (const room of ['a_1', 'b_1']) await furnish(owner, owner.fence(room));
    const [victim, other] = workersOf(process.pid);
    assert.ok(victim && other);
    process.kill(victim, 'SIGKILL');
    const lost = await until(
      'a lost room',
      () => [...owner.heard('roomLost', 'a_1'), ...owner.heard('roomLost', 'b_1')][0],
    );
    assert.equal(lost.cause, 'workerDied');
    const kept = lost.uniqueSessionId === 'a_1' ? 'b_1' : 'a_1';
    assert.equal(await contents(owner, owner.fence(kept)), 'down,up | audio,video | view');
    const again = owner.fence(lost.uniqueSessionId);
    await assert.rejects(owner.command(again, 'inventory', {}), refused('SESSION_UNKNOWN'));
    await until('two workers', () => owner.fact('workers') === 2 && workersOf(process.pid).length === 2);
    await furnish(owner, again);
    assert.ok(isRunning(other));
    assert.equal(owner.news.filter(({ news }) => news === 'roomLost').length, 1);
  });

  it('that hangs is detected, killed and replaced; a command to it does not wait forever', async () => {
    const { url } = (await harness.mediaNode({ timing: { ...TIMING, verdictMs: 1_500, mediaCommandMs: 700 } }))
      .identity;
    const owner = await harness.master(url);
    await furnish(owner, owner.fence('r_1'));
    const hung = onlyWorker();
    process.kill(hung, 'SIGSTOP');
    const ask = (key: string) => owner.command(owner.fence('r_1'), 'restartIce', { key });
    await assert.rejects(ask('up'), refused('UNAVAILABLE'));
    assert.equal((await owner.hears('roomLost', 'r_1')).cause, 'workerDied');
    await until('the hung worker has ended', () => !isRunning(hung));
    await until('another worker', () => owner.fact('workers') === 1 && workersOf(process.pid).length === 1);
    await furnish(owner, owner.fence('r_1'));
    assert.notEqual(await portOf(owner, 'r_1'), undefined);
  });

  it('that dies repeatedly is restarted with delays, and the node is not ready without it', async () => {
    const { identity, clientUrl } = await harness.mediaNode();
    const owner = await harness.master(identity.url);
    const first = onlyWorker();
    process.kill(first, 'SIGKILL');
    const second = await until('a second worker', () => workersOf(process.pid).find((pid) => pid !== first));
    await until('it is ready', () => owner.fact('workers') === 1);
    const since = performance.now();
    process.kill(second, 'SIGKILL');
    await until('not ready', async () => (await fetch(`${clientUrl}/health`)).status === 503);
    await assert.rejects(owner.command(owner.fence('r_1'), 'openRoom', {}), refused('UNAVAILABLE'));
    await until('a third worker', () => owner.fact('workers') === 1);
    assert.ok(performance.now() - since > 900, 'after a pause');
    await owner.command(owner.fence('r_1'), 'openRoom', {});
  });
});

describe('media node: ports and programs', () => {
  it('skips ports in use, UDP or TCP', async () => {
    const { min, max } = rtcPorts(3);
    const udp = createSocket('udp4').bind(min, '127.0.0.1');
    const tcp = createServer().listen(min + 1, '127.0.0.1');
    harness.onEnd(() => udp.close());
    harness.onEnd(() => tcp.close());
    await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
    const { url } = (await harness.mediaNode({ rtcPorts: { min, max } })).identity;
    const owner = await harness.master(url);
    await owner.command(owner.fence('r_1'), 'openRoom', {});
    assert.equal(await portOf(owner, 'r_1'), max);
    await assert.rejects(harness.mediaNode({ rtcPorts: { min, max } }), named('RTC_PORTS_USED_UP'));
    onlyWorker();
  });

  it('does not start with a wrong option, names the fault, and leaves nothing behind', async () => {
    await assert.rejects(harness.mediaNode({ workers: 3, rtcPorts: rtcPorts(2) }), named('RTC_PORTS_USED_UP'));
    await assert.rejects(harness.mediaNode({ listenIp: '203.0.113.7' }), named('RTC_ADDRESS_UNUSABLE'));
    await assert.rejects(harness.mediaNode({ workerBin: '/nowhere/worker' }), named('WORKER_NOT_STARTED'));
    await assert.rejects(harness.mediaNode({ workerBin: '/bin/false' }), named('WORKER_NOT_STARTED'));
    const { url } = (await harness.mediaNode()).identity;
    await assert.rejects(harness.mediaNode({ port: Number(new URL(url).port) }), { code: 'PORT_IN_USE' });
    onlyWorker();
  });

  function named(code: string): (error: unknown) => true {
    return (error) => {
      assert.ok(error instanceof MediaNodeError, String(error));
      assert.equal(error.code, code);
      return true;
    };
  }
});

describe('media node: its process', () => {
  it('handles signals itself: workers do not receive those of its process group', async () => {
    const { url, pid, process: node } = await harness.mediaNodeProcess();
    const owner = await harness.master(url);
    const rooms = ['a_1', 'b_1'];
    for (const room of rooms) await furnish(owner, owner.fence(room));
    const workers = workersOf(pid);
    assert.equal(workers.length, 2);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const told = once(node, 'message');
      process.kill(-pid, signal);
      assert.deepEqual(await told, [{ signal }, undefined]);
    }
    const heard = owner.beats.length;
    await until('two more beats', () => owner.beats.length > heard + 1);
    for (const room of rooms) assert.equal(await contents(owner, owner.fence(room)), 'down,up | audio,video | view');
    assert.deepEqual(workersOf(pid), workers);
  });

  it('takes its workers along when it is killed', async () => {
    const { url, pid, process: node } = await harness.mediaNodeProcess();
    const owner = await harness.master(url);
    await furnish(owner, owner.fence('r_1'));
    const workers = workersOf(pid);
    assert.equal(workers.length, 2);
    node.kill('SIGKILL');
    await until('no worker runs', () => !workers.some(isRunning));
  });

  it('keeps all of its state over a freeze', async () => {
    const { url, pid } = await harness.mediaNodeProcess();
    const owner = await harness.silentMaster(url).listen(1_000);
    await furnish(owner, owner.fence('r_1'));
    const workers = workersOf(pid);
    process.kill(pid, 'SIGSTOP');
    await until('the media node is declared dead', () => owner.deaths > 0);
    const heard = owner.beats.length;
    process.kill(pid, 'SIGCONT');
    await until('it is heard again', () => owner.beats.length > heard + 3);
    assert.equal(await contents(owner, owner.fence('r_1')), 'down,up | audio,video | view');
    assert.deepEqual(workersOf(pid), workers);
    assert.deepEqual(owner.heard('roomLost', 'r_1'), []);
  });
});

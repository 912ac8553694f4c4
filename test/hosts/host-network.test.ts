import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { HostNetwork } from '../fixtures/hosts/host-network.ts';
import { Wire } from '../fixtures/hosts/wire.ts';
import { until } from '../fixtures/until.ts';

const DYING = join(import.meta.dirname, '..', 'fixtures', 'hosts', 'dying-process.ts');
const HOSTS = ['one', 'two', 'three'];

let network: HostNetwork;
let wires: Record<string, Wire>;
before(async () => {
  network = await HostNetwork.create(HOSTS);
  wires = Object.fromEntries(HOSTS.map((host) => [host, new Wire(network, host)]));
  await Promise.all(Object.values(wires).map((one) => one.start()));
});
after(() => network?.close());
beforeEach(() => network.heal());

function wire(host: string): Wire {
  const found = wires[host];
  assert.ok(found);
  return found;
}

test('hosts reach each other, and a host without a process refuses', async () => {
  assert.equal(await wire('one').reach('two'), 'connected');
  assert.equal(await wire('two').echoes('one', 20), 20);
  await wire('three').stop();
  assert.equal(await wire('one').reach('three'), 'refused');
  await wire('three').start();
  assert.equal(await wire('one').reach('three'), 'connected');
});

test('a host that loses power is silent, without resets and refusals; after its boot it has no connections', async () => {
  await wire('one').hold('two');
  await until('the connection is open', async () => (await wire('one').held()).includes('connect'));
  await network.powerOff('two');
  await wire('one').say();
  assert.equal(await wire('one').reach('two'), 'silent');
  assert.deepEqual(await wire('one').held(), ['connect']);
  assert.equal(await wire('one').reach('three'), 'connected');

  await network.powerOn('two');
  await wire('two').start();
  assert.equal(await wire('one').reach('two'), 'connected');
  await until('the retransmission is reset', async () => (await wire('one').held()).includes('error'));
});

test('a cut, a link that works one way, and two halves', async () => {
  await network.cut('one', 'two');
  assert.equal(await wire('one').reach('two'), 'silent');
  assert.equal(await wire('two').reach('one'), 'silent');
  assert.equal(await wire('one').reach('three'), 'connected');
  await network.heal('one', 'two');
  assert.equal(await wire('one').reach('two'), 'connected');

  // TCP needs both ways; no UDP packet comes back.
  await network.oneWay('one', 'two');
  assert.equal(await wire('one').echoes('two', 10), 0);
  assert.equal(await wire('one').reach('two'), 'silent');
  await network.heal();

  await network.split(['one'], ['two', 'three']);
  assert.equal(await wire('one').reach('two'), 'silent');
  assert.equal(await wire('three').reach('one'), 'silent');
  assert.equal(await wire('two').reach('three'), 'connected');
});

test('a lossy link loses the given share of packets, each way, of TCP, UDP or both', async () => {
  await network.lossy('one', 'two', 25, 'udp');
  const through = await wire('one').echoes('two', 1_000);
  // Both ways must succeed: 0.75². The limits are eight standard deviations away.
  assert.ok(through > 430 && through < 690, `${through} of 1000 came back`);
  assert.equal(await wire('one').echoes('three', 100), 100);
  await network.heal();
  await network.lossy('one', 'two', 100, 'tcp');
  assert.equal(await wire('one').echoes('two', 100), 100);
  assert.equal(await wire('one').reach('two'), 'silent');
});

test('a narrow link passes the given rate, and loses the rest', async () => {
  // Packets of 29 bytes, at most 1 000 per second, with a burst of one second.
  await network.narrow('one', 'two', 5, 'udp');
  const through = await wire('one').echoes('two', 1_000);
  assert.ok(through > 170 && through < 700, `${through} of 1000 came back`);
  assert.equal(await wire('one').reach('two'), 'connected');
  await network.heal();
  assert.equal(await wire('one').echoes('two', 1_000), 1_000);
});

test('a killed process leaves no hosts behind, and none of their processes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rejoin-dying-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const dying = fork(DYING, { env: { ...process.env, TMPDIR: folder } });
  const failed = once(dying, 'exit').then(([code]) => assert.fail(`It ended by itself, with code ${code}.`));
  failed.catch(() => {});
  const [pids] = (await Promise.race([once(dying, 'message'), failed])) as [number[]];
  assert.ok(pids.length > 8, `only ${pids.length} processes`);
  dying.kill('SIGKILL');
  await until('all of them have ended', () => pids.every((pid) => !existsSync(`/proc/${pid}`)));
});

test('a missing program causes a named error', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = '/nowhere';
  try {
    await assert.rejects(HostNetwork.create(['one']), {
      name: 'NamespacesMissing',
      message: /^network namespaces missing: the program unshare is not installed/,
    });
  } finally {
    process.env['PATH'] = path;
  }
});

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { freePorts } from '../../src/server/dev/ports.ts';
import { CliProcess } from '../fixtures/cluster/cli-process.ts';
import { basic } from '../fixtures/doors/processes.ts';
import { rtcPorts } from '../fixtures/media-node/settings.ts';
import { until } from '../fixtures/until.ts';

/** Mistakes when starting processes by hand: the new process and the running ones name each at once. */

const SECRET = 'the-secret-of-the-entry-suite-0123456789';
const OTHER_SECRET = 'another-secret-of-the-entry-suite-98765';

const ends: (() => unknown)[] = [];
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'rejoin-entry-'));
  ends.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
};
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function run(args: readonly string[], secret = SECRET): CliProcess {
  const started = new CliProcess(args, { REJOIN_SECRET: secret, REJOIN_HOST: '127.0.0.1' });
  ends.push(() => started.end());
  return started;
}

async function aStore(): Promise<string> {
  const store = join(folder(), 'store.sqlite');
  assert.equal(await run(['create-store', '--store', store]).exit(), 0);
  return store;
}

async function aPort(): Promise<string> {
  // The port for the other processes is the next one.
  const [port, beside] = await freePorts('127.0.0.1', 2);
  assert.equal(beside, (port ?? 0) + 1);
  return String(port);
}

async function master(id: string, store: string, secret = SECRET, port?: string): Promise<CliProcess> {
  const own = ['--public-url', 'http://localhost:1', '--port', port ?? (await aPort())];
  return run(['master', '--id', id, '--store', store, ...own], secret);
}

async function mediaNode(id: string, store: string, secret = SECRET): Promise<CliProcess> {
  const { min, max } = rtcPorts(1);
  const media = ['--workers', '1', '--listen-ip', '127.0.0.1', '--rtc-ports', `${min}-${max}`];
  return run(['media-node', '--id', id, '--store', store, '--port', await aPort(), ...media], secret);
}

const says = (one: CliProcess, error: string): boolean =>
  one.log.some((line) => line['error'] === error || (line['err'] as { type?: string } | undefined)?.type === error);

for (const [role, start] of [
  ['master', master],
  ['media node', mediaNode],
] as const) {
  test(`a starting ${role} with another secret ends with SecretRefused`, async () => {
    const store = await aStore();
    const first = await (await master('master-1', store)).ready();
    const second = await start('second', store, OTHER_SECRET);
    assert.equal(await second.exit(), 1);
    assert.match(
      second.said,
      /^SecretRefused: master-1@\S+ at http:\S+ refuses the calls of this process\. .*same secret/m,
    );
    assert.ok(says(second, 'ClusterEntryError'), second.output);
    await until('the other side logs it, too', () => first.log.some((line) => line['fault'] === 'wrong'));
    assert.ok(!second.output.includes('ready'), 'it never becomes ready');
  });

  test(`a starting ${role} with a taken id ends with IdTaken`, async () => {
    const store = await aStore();
    const first = await (await start('twin', store)).ready();
    const second = await start('twin', store);
    assert.equal(await second.exit(), 1);
    assert.match(second.said, /^IdTaken: The \S+ at http:\S+ already runs under the id twin\..*--id/m);
    await until('the other side logs it, too', () => says(first, 'IdTaken'));
    await (await start('third', store)).ready();
  });
}

test('a starting process replaces a crashed former run at once, although its lease is still valid', async () => {
  const store = await aStore();
  const former = await (await master('master-1', store)).ready();
  await former.end('SIGKILL');
  await (await master('master-1', store)).ready();
});

test('a starting process reports a missing store, and makes none', async () => {
  const store = join(folder(), 'stroe.sqlite');
  for (const start of [master, mediaNode]) {
    const started = await start('lost', store);
    assert.equal(await started.exit(), 2);
    assert.match(started.said, /StoreNotFound: There is no store at \/.*stroe\.sqlite\..*create-store --store/);
    assert.ok(!existsSync(store));
  }
  writeFileSync(store, '');
  assert.equal(await (await master('lost', store)).exit(), 2, 'an empty file is not a store');
});

test('create-store makes a store only at a free path, and leaves an existing one alone', async () => {
  const store = await aStore();
  const first = await (await master('master-1', store)).ready();
  const again = run(['create-store', '--store', store]);
  assert.equal(await again.exit(), 0);
  assert.match(again.output, /already/);
  await (await master('master-2', store)).ready();
  assert.ok(!says(first, 'StoresDiffer'));
  const notes = join(folder(), 'notes.txt');
  writeFileSync(notes, 'not a store');
  const wrong = run(['create-store', '--store', notes]);
  assert.equal(await wrong.exit(), 2);
  assert.match(wrong.said, /StoreUnusable/);
});

test('a starting master with another store gets no client from the balancer, and both logs name it', async () => {
  const [store, other] = [await aStore(), await aStore()];
  const ports = [await aPort(), await aPort(), await aPort()];
  await (await master('master-1', store, SECRET, ports[0])).ready();
  await (await master('master-2', store, SECRET, ports[1])).ready();
  const stray = await (await master('master-3', other, SECRET, ports[2])).ready();
  const port = await aPort();
  const masters = [...ports].reverse().flatMap((one) => ['--master', `http://127.0.0.1:${one}`]);
  const balancer = await run(['balancer', '--port', port, ...masters]).ready();
  await until('both sides log it', () => says(balancer, 'StoresDiffer') && says(stray, 'StoresDiffer'));
  const clusterOf = async (): Promise<string> => {
    const headers = { authorization: basic(SECRET) };
    const answer = await fetch(`http://127.0.0.1:${port}/openvidu/api/nodes`, { headers });
    assert.equal(answer.status, 200);
    return await answer.text();
  };
  await until('the two are in rotation', async () => {
    const { status } = await fetch(`http://127.0.0.1:${port}/health`);
    return status === 200;
  });
  for (let turn = 0; turn < 6; turn += 1) assert.ok(!(await clusterOf()).includes('master-3'), `turn ${turn}`);
});

test('a starting master with another store than before is not part of the cluster, although it has a former address', async () => {
  const [store, other] = [await aStore(), await aStore()];
  const port = await aPort();
  const first = await (await master('master-1', store)).ready();
  const second = await (await master('master-2', store, SECRET, port)).ready();
  await until('they know each other', () => first.log.some(({ peer }) => String(peer).startsWith('master-2@')));
  await second.end('SIGKILL');
  const strayed = await (await master('master-2', other, SECRET, port)).ready();
  await until('both sides log it', () => says(first, 'StoresDiffer') && says(strayed, 'StoresDiffer'));
  const ups = first.log.filter(({ msg, peer }) => /is up/.test(String(msg)) && String(peer).startsWith('master-2@'));
  assert.equal(ups.length, 1, 'only the one of this cluster');
});

test('a starting balancer with another secret ends with SecretRefused', async () => {
  const store = await aStore();
  const port = await aPort();
  const first = await (await master('master-1', store, SECRET, port)).ready();
  const balancer = run(['balancer', '--port', await aPort(), '--master', `http://127.0.0.1:${port}`], OTHER_SECRET);
  assert.equal(await balancer.exit(), 1);
  assert.match(
    balancer.said,
    /^SecretRefused: The master at http:\S+ refuses the calls of this process\. .*same secret/m,
  );
  await until('the other side logs it, too', () => first.log.some((line) => line['fault'] === 'wrong'));
});

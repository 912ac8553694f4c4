import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { parseTokenUrl } from '../../src/protocol/token-url.ts';
import { type ClusterFileContent, readClusterFile } from '../../src/server/dev/cluster-file.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { until } from '../fixtures/until.ts';

/** An attacker reads or steals the files of a cluster on this machine: another user, or a backup. */

const CLI = join(import.meta.dirname, '..', '..', 'src', 'server', 'cli.ts');
const SECRET = 'the-secret-of-this-cluster-0123456789';
const TURN = { url: 'turn:turn.example.org', username: 'turn-user-4711', credential: 'turn-credential-0815' };

const folder = mkdtempSync(join(tmpdir(), 'rejoin-at-rest-'));
const stateDir = join(folder, 'state');
let dev: ChildProcess;
let cluster: ClusterFileContent;

before(async () => {
  // As open as a careless user can make it: an existing directory, and a shell without a umask.
  mkdirSync(stateDir);
  chmodSync(stateDir, 0o755);
  const command = `umask 000; exec "$0" "$@"`;
  const args = [
    '--port',
    '0',
    '--state-dir',
    stateDir,
    '--rtc-ports',
    '46900-46907',
    '--failover',
    'takeover',
    '--json',
  ];
  // Without a receiver, the events of the session stay in the store.
  const webhooks = ['--webhook', 'http://127.0.0.1:9/'];
  dev = spawn('sh', ['-c', command, process.execPath, CLI, 'dev', ...args, ...webhooks], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, REJOIN_SECRET: SECRET },
  });
  let said = '';
  dev.stdout?.on('data', (part) => {
    said += String(part);
  });
  await until('the cluster is ready', () => said.includes('"ready"'), 30_000);
  cluster = await until('cluster.json is there', () => readClusterFile(join(stateDir, 'cluster.json')));
});

after(async () => {
  if (dev.exitCode === null) {
    const exited = once(dev, 'exit');
    dev.kill('SIGTERM');
    await exited;
  }
  rmSync(folder, { recursive: true, force: true });
});

async function rest(method: string, path: string, body?: unknown, headers = {}): Promise<Record<string, unknown>> {
  const answer = await until(`${method} ${path} is answered`, async () => {
    const authorization = `Basic ${btoa(`OPENVIDUAPP:${SECRET}`)}`;
    const given = { authorization, ...(body ? { 'content-type': 'application/json' } : {}), ...headers };
    const init = { method, headers: given, ...(body ? { body: JSON.stringify(body) } : {}) };
    const one = await fetch(`${cluster.url}/openvidu/api${path}`, init);
    return one.status >= 500 ? undefined : one;
  });
  assert.equal(answer.status, 200, path);
  return (await answer.json()) as Record<string, unknown>;
}

/** Every file and directory of the state directory, including itself. */
function entries(path = stateDir): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return [path, ...readdirSync(path).flatMap((name) => entries(join(path, name)))];
}

function tokenIn(answer: Record<string, unknown>): string {
  const token = parseTokenUrl(String(answer['token']))?.token;
  assert.ok(token, `a token: ${JSON.stringify(answer)}`);
  return token;
}

test('only its user can enter the state directory, whatever its former mode and the umask', () => {
  const modes = entries().map((path) => {
    const { mode } = statSync(path);
    return [
      relative(folder, path),
      (mode & 0o777).toString(8),
      (mode & 0o170000) === 0o040000 ? '700' : '600',
    ] as const;
  });
  for (const [path, mode, expected] of modes) assert.equal(mode, expected, path);
  const names = modes.map(([path]) => path);
  for (const name of [
    'cluster.json',
    'lock',
    'logs/master-1.log',
    'store.sqlite',
    'store.sqlite-wal',
    'store.sqlite-shm',
  ]) {
    assert.ok(names.includes(join('state', name)), `${name} of ${names.join(' ')}`);
  }
});

test('dev refuses a directory with other contents that other users can enter', async () => {
  const shared = join(folder, 'shared');
  mkdirSync(shared);
  chmodSync(shared, 0o755);
  writeFileSync(join(shared, 'theirs.txt'), 'x');
  const child = spawn(process.execPath, [CLI, 'dev', '--port', '0', '--state-dir', shared], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (part) => {
    errors += String(part);
  });
  const timer = setTimeout(() => child.kill('SIGTERM'), 15_000);
  await once(child, 'close');
  clearTimeout(timer);
  assert.match(errors, /StateDirShared: .*Choose a separate directory with --state-dir/);
  assert.equal(statSync(shared).mode & 0o777, 0o755);
});

test('no file contains a token, a resume key, a TURN credential or the secret, but any owner can show tokens and credentials', async () => {
  await rest('POST', '/sessions', { customSessionId: 'vault' });
  const connection = { data: 'server-data', customIceServers: [TURN] };
  const path = '/sessions/vault/connection';
  const [waits, joins, again] = [
    await rest('POST', path, connection),
    await rest('POST', path, connection),
    await rest('POST', path, connection, { 'idempotency-key': 'once' }),
  ];
  const tokens = [waits, joins, again].map(tokenIn);
  assert.equal(new Set(tokens).size, 3);

  const socketUrl = `${cluster.url.replace(/^http/, 'ws')}/rejoin`;
  const client = await RawClient.join(socketUrl, String(joins['token']), 'the-join-key');
  client.acknowledges = true;
  const welcome = await client.frame('welcome');
  assert.deepEqual(welcome.snapshot?.iceServers, [
    { urls: TURN.url, username: TURN.username, credential: TURN.credential },
  ]);
  client.send({ t: 'req', id: 1, method: 'signal', data: { id: 's', data: 'hello' } });
  await client.frame('res');
  const resumed = await RawClient.hello(socketUrl, { resume: { ...welcome, received: 2, nextRequest: 2 } });
  const second = await resumed.frame('welcome');
  // The attacker's words end up in the logs, too.
  const refused = await RawClient.join(socketUrl, String(joins['token']), 'another-key');
  assert.equal((await refused.frame('refused')).error.code, 'TOKEN_USED');
  const mistaken = await RawClient.hello(socketUrl, { resume: { ...welcome, received: -1 } });
  await mistaken.frame('error');

  // After the owner's death, the next one has only the store and its secret.
  const owners = cluster.nodes.filter(({ role }) => role === 'master');
  for (const { pid, id } of owners) {
    process.kill(pid, 'SIGKILL');
    const shown = await rest('GET', `${path}/${waits['id']}`);
    assert.deepEqual([shown['token'], shown['customIceServers']], [waits['token'], [TURN]], id);
    const repeated = await rest('POST', path, connection, { 'idempotency-key': 'once' });
    assert.deepEqual(repeated, again, id);
    await until(`${id} is back`, () =>
      readClusterFile(join(stateDir, 'cluster.json'))?.nodes.some((node) => node.id === id && node.pid !== pid),
    );
  }

  const hidden = [
    ...tokens.flatMap((token) => [token, token.slice('tok_'.length)]),
    ...[welcome.resumeKey, second.resumeKey],
    ...[TURN.username, TURN.credential, SECRET],
  ];
  const files = entries().filter((file) => statSync(file).isFile() && !file.endsWith('cluster.json'));
  const bytes = new Map(files.map((file) => [relative(stateDir, file), readFileSync(file)]));
  for (const [name, content] of bytes) {
    for (const text of hidden) assert.equal(content.includes(text), false, `${text} in ${name}`);
  }
  // Proves that the checked store file contains these connections.
  const store = Buffer.concat([...bytes].filter(([name]) => name.startsWith('store')).map(([, content]) => content));
  for (const { id } of [waits, joins, again]) assert.ok(store.includes(String(id)), String(id));
  assert.ok(store.includes('server-data'));
});

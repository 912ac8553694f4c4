import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeClusterFile } from '../../src/server/dev/cluster-file.ts';
import { StateDir } from '../../src/server/dev/state-dir.ts';

const root = mkdtempSync(join(tmpdir(), 'rejoin-state-'));
const children: ChildProcess[] = [];

after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

/** A listening process, like a node whose supervisor was killed. Reports its port. */
async function orphan(): Promise<{ child: ChildProcess; url: string }> {
  const code = "const s = require('net').createServer().listen(0, '127.0.0.1', () => process.send(s.address().port))";
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  children.push(child);
  const [port] = (await once(child, 'message')) as [number];
  return { child, url: `http://127.0.0.1:${port}` };
}

function leaveBehind(directory: string, pid: number, url: string): void {
  mkdirSync(directory);
  const nodes = [{ id: 'master-1', role: 'master', pid, url, internalUrl: url } as const];
  writeClusterFile(join(directory, 'cluster.json'), { url: 'http://localhost:1', secret: 's', nodes });
}

test('files of an earlier run are removed', async () => {
  const directory = join(root, 'stale');
  leaveBehind(directory, process.pid, 'http://127.0.0.1:1');
  mkdirSync(join(directory, 'logs'));
  const files = ['store.sqlite', 'store.sqlite-wal', 'store.sqlite-shm', 'logs/old.log', 'cluster.json'];
  for (const file of files) writeFileSync(join(directory, file), 'x');
  writeFileSync(join(directory, 'mine.txt'), 'x');
  const state = await StateDir.take(directory);
  assert.deepEqual(
    files.filter((file) => existsSync(join(directory, file))),
    [],
  );
  assert.ok(existsSync(join(directory, 'mine.txt')));
  assert.ok(existsSync(join(directory, 'logs')));
  state.release();
});

test('processes of an earlier run are awaited', async () => {
  const directory = join(root, 'ending');
  const { child, url } = await orphan();
  leaveBehind(directory, child.pid ?? 0, url);
  let taken = false;
  const taking = StateDir.take(directory).then((state) => {
    taken = true;
    return state;
  });
  // Long enough for several checks of the process.
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(taken, false);
  child.kill('SIGKILL');
  (await taking).release();
});

test('remaining processes of an earlier run are named, and nothing is removed', async () => {
  const directory = join(root, 'staying');
  const { child, url } = await orphan();
  leaveBehind(directory, child.pid ?? 0, url);
  await assert.rejects(StateDir.take(directory, 100), { name: 'OrphansRunning', message: new RegExp(`${child.pid}$`) });
  assert.ok(existsSync(join(directory, 'cluster.json')));
  child.kill('SIGKILL');
  (await StateDir.take(directory)).release();
});

test('a reused process id is not awaited', async () => {
  const directory = join(root, 'reused');
  leaveBehind(directory, process.pid, 'http://127.0.0.1:1');
  (await StateDir.take(directory, 0)).release();
});

test('one cluster at a time has the directory', async () => {
  const directory = join(root, 'one');
  const state = await StateDir.take(directory);
  writeClusterFile(state.clusterFile, { url: 'http://localhost:8080', secret: 's', nodes: [] });
  await assert.rejects(StateDir.take(directory), { name: 'StateDirInUse', message: /http:\/\/localhost:8080/ });
  assert.ok(existsSync(state.clusterFile));
  state.release();
  (await StateDir.take(directory)).release();
});

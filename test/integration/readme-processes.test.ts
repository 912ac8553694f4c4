import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { freePorts } from '../../src/server/dev/ports.ts';
import { basic } from '../fixtures/doors/processes.ts';
import { until } from '../fixtures/until.ts';

/** Runs the README's commands unchanged, on a machine with two addresses and without any of our variables. */

const ROOT = join(import.meta.dirname, '..', '..');
const home = mkdtempSync(join(tmpdir(), 'rejoin-readme-'));
after(() => rmSync(home, { recursive: true, force: true }));

function commands(): string {
  const [, section = ''] = readFileSync(join(ROOT, 'README.md'), 'utf8').split('## One process at a time');
  const block = section.split('\n\n').find((part) => part.startsWith('    '));
  assert.ok(block?.includes('npm run rejoin -- master'), section.slice(0, 500));
  return String(block);
}

test('the commands under "One process at a time" bring up a cluster', { timeout: 110_000 }, async () => {
  const [media, , master, , port] = await freePorts('127.0.0.1', 6);
  const script = commands()
    .replaceAll('5001', String(media))
    .replaceAll('4001', String(master))
    .replaceAll('8080', String(port))
    .replaceAll('store.sqlite', join(home, 'store.sqlite'));
  const ours = /^(REJOIN_|MEDIASOUP_)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
  const preload = `--import=${pathToFileURL(join(ROOT, 'test/fixtures/two-addresses.mjs')).href}`;
  const { REJOIN_CACHE_DIR, XDG_CACHE_HOME, HOME, MEDIASOUP_WORKER_BIN } = process.env;
  const cache = REJOIN_CACHE_DIR ?? join(XDG_CACHE_HOME ?? join(HOME ?? '', '.cache'), 'rejoin');
  // Set-up links the worker, even a given one, so the media node needs no variable.
  const given = MEDIASOUP_WORKER_BIN === undefined ? '' : `export MEDIASOUP_WORKER_BIN=${MEDIASOUP_WORKER_BIN}\n`;
  const lines = script.replace(/^( *npm run setup)/m, `$1 >&2`);
  const shell = spawn('bash', ['-ec', `${given}${lines.replace('\n', '\nunset MEDIASOUP_WORKER_BIN\n')}\nwait`], {
    cwd: ROOT,
    env: { ...env, HOME: home, REJOIN_CACHE_DIR: cache, NODE_OPTIONS: preload },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  const closed = once(shell, 'close');
  try {
    const secret = await until('the secret', () => readSecret());
    const names = await until(
      'the nodes are listed',
      async () => {
        if (shell.exitCode !== null) assert.fail(output);
        const found = await fetch(`http://127.0.0.1:${port}/openvidu/api/nodes`, {
          headers: { authorization: basic(secret) },
        })
          .then((answer) => (answer.ok ? answer.json() : undefined))
          .catch(() => undefined);
        const ids = ((found as { content?: { id: string }[] } | undefined)?.content ?? []).map(({ id }) => id).sort();
        return ids.length > 1 ? ids : undefined;
      },
      60_000,
    ).catch((error: Error) => assert.fail(`${error.message}\n${output}`));
    assert.deepEqual(names, ['master-1', 'media-1'], output);
  } finally {
    if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGKILL');
    await closed;
  }
});

function readSecret(): string | undefined {
  try {
    const text = readFileSync(join(home, 'rejoin-secret'), 'utf8').trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readClusterFile } from '../../src/server/dev/cluster-file.ts';
import { freePorts } from '../../src/server/dev/ports.ts';
import { descendantsOf } from '../fixtures/dev/process-table.ts';
import { until } from '../fixtures/until.ts';

/** Guessable secrets, and secrets that other users of the machine could read. */

const CLI = join(import.meta.dirname, '..', '..', 'src', 'server', 'cli.ts');
const WEAK = ['MY_SECRET', 'k'.repeat(31), `short${' '.repeat(40)}`];
const directory = mkdtempSync(join(tmpdir(), 'rejoin-secrets-'));

after(() => rmSync(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** Runs a command that must refuse at once. */
async function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout: 20_000,
  });
  let said = '';
  child.stdout.on('data', (part) => {
    said += String(part);
  });
  child.stderr.on('data', (part) => {
    said += String(part);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

async function refuses(args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const { code, said } = await run(args, env);
  const what = `${args.join(' ')} ${JSON.stringify(env)}`;
  assert.match(said, /^error: WeakSecret: .*openssl rand -base64 32/, what);
  assert.equal(code, 2, what);
  for (const secret of WEAK) assert.ok(!said.includes(secret.trim()), `${what} repeats its secret`);
}

describe('a weak secret', { timeout: 100_000 }, () => {
  const store = ['--store', `sqlite:${join(directory, 'store.sqlite')}`];

  it('is refused by every process of a deployment, at every address', async () => {
    const commands = [
      ['master', ...store, '--public-url', 'http://localhost:8080'],
      ['media-node', ...store],
      ['balancer', '--master', 'http://127.0.0.1:4000'],
    ];
    for (const command of commands) {
      for (const secret of WEAK) {
        await refuses([...command, '--port', '0', '--host', '127.0.0.1'], { REJOIN_SECRET: secret });
      }
      // The mark of a development node works only at a loopback address.
      await refuses([...command, '--port', '0', '--host', '0.0.0.0'], { REJOIN_SECRET: 'MY_SECRET', REJOIN_DEV: '1' });
    }
  });

  it('is refused on either line of a secret file', async () => {
    const strong = 'k'.repeat(32);
    for (const [index, lines] of [['MY_SECRET'], [strong, 'MY_SECRET'], ['MY_SECRET', strong]].entries()) {
      const file = join(directory, `secret-${index}`);
      writeFileSync(file, `${lines.join('\n')}\n`);
      await refuses(['balancer', '--port', '0', '--master', 'http://127.0.0.1:4000', '--secret-file', file], {});
    }
  });

  it('is refused by dev if other machines can reach the cluster', async () => {
    const state = ['--state-dir', join(directory, 'refused')];
    for (const reached of [
      ['--host', '0.0.0.0'],
      ['--host', '::'],
      ['--public-url', 'https://demo.example.org'],
    ]) {
      await refuses(['dev', ...reached, ...state], { REJOIN_SECRET: 'MY_SECRET' });
    }
  });
});

describe('a development cluster that other machines can reach', { timeout: 100_000 }, () => {
  const CREDENTIAL = 'turn-credential-that-nobody-may-see';
  const SIGNING = 'webhook-secret-that-nobody-may-see';

  /** The secret of a run, after `look` has checked it. */
  async function runs(look: (pid: number, secret: string, url: string) => Promise<void>): Promise<string> {
    const [port = 0] = await freePorts('0.0.0.0', 1);
    const state = join(directory, 'open');
    const args = ['dev', '--host', '0.0.0.0', '--port', String(port), '--state-dir', state];
    args.push('--masters', '1', '--media-nodes', '1', '--rtc-ports', '44008-44011');
    const env = {
      REJOIN_ICE_SERVERS: JSON.stringify([{ urls: 'turn:turn.example.org', username: 'u', credential: CREDENTIAL }]),
      REJOIN_WEBHOOK: 'http://127.0.0.1:9',
      REJOIN_WEBHOOK_SECRET: SIGNING,
    };
    const child = spawn(process.execPath, [CLI, ...args], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    });
    let said = '';
    child.stdout?.on('data', (part) => {
      said += String(part);
    });
    const ended = once(child, 'exit');
    try {
      await until('the cluster is ready', () => said.includes('Ready:'), 30_000);
      const file = join(state, 'cluster.json');
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const secret = readClusterFile(file)?.secret ?? '';
      await look(child.pid ?? 0, secret, `http://127.0.0.1:${port}`);
      assert.ok(!said.includes(secret));
      for (const log of readdirSync(join(state, 'logs'))) {
        const text = readFileSync(join(state, 'logs', log), 'utf8');
        for (const one of [secret, CREDENTIAL, SIGNING]) assert.ok(!text.includes(one), `${log} tells a secret`);
      }
      return secret;
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
  }

  it('has a new secret at each start, which no process list shows', async () => {
    const secret = await runs(async (pid, found, url) => {
      assert.match(found, /^[\w-]{43}$/);
      const ask = async (given: string): Promise<number> => {
        const authorization = `Basic ${Buffer.from(`OPENVIDUAPP:${given}`).toString('base64')}`;
        return (await fetch(`${url}/openvidu/api/sessions`, { headers: { authorization } })).status;
      };
      assert.deepEqual([await ask('MY_SECRET'), await ask(found)], [401, 200]);
      // Three nodes and a worker.
      const pids = [pid, ...descendantsOf(pid)];
      assert.equal(pids.length, 5);
      for (const one of pids) {
        const command = readFileSync(`/proc/${one}/cmdline`, 'utf8');
        assert.ok(command.length > 0);
        for (const text of [found, CREDENTIAL, SIGNING]) assert.ok(!command.includes(text), command);
      }
      // Each node gets only the secrets that it needs, where only its own user can read them.
      for (const { role, pid: one } of readClusterFile(join(directory, 'open', 'cluster.json'))?.nodes ?? []) {
        const environment = readFileSync(`/proc/${one}/environ`, 'utf8');
        for (const text of [CREDENTIAL, SIGNING]) assert.equal(environment.includes(text), role === 'master', role);
      }
    });
    assert.notEqual(await runs(async () => {}), secret);
  });
});

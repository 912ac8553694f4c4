import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import type { ChildExit } from '../../src/server/dev/child.ts';
import { type Cluster, type ClusterNode, startCluster } from '../../src/server/dev/cluster.ts';
import { type ClusterFileContent, readClusterFile } from '../../src/server/dev/cluster-file.ts';
import type { ClusterSnapshot, NodeView } from '../../src/server/dev/cluster-view.ts';
import { freePorts, requireFreePort } from '../../src/server/dev/ports.ts';
import { PAGE_KEY_HEADER, pageKey, postAsPage } from '../fixtures/dev/demo-api.ts';
import { commandOf, descendantsOf, running } from '../fixtures/dev/process-table.ts';
import { until } from '../fixtures/until.ts';

/** The development cluster with real processes, which are killed, frozen and left without their supervisor. */

const CLI = join(import.meta.dirname, '..', '..', 'src', 'server', 'cli.ts');
const FAST = { beatMs: 200, verdictMs: 800 };
const RESTART_MS = 15_000;
const directory = mkdtempSync(join(tmpdir(), 'rejoin-dev-'));

after(() => rmSync(directory, { recursive: true, force: true }));

async function untilGone(pids: readonly number[]): Promise<void> {
  await until(`processes ${pids.join(' ')} have ended`, () => running(pids).length === 0);
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

describe('a development cluster', { timeout: 90_000 }, () => {
  const state = join(directory, 'one');
  let cluster: Cluster;
  let url = '';

  before(async () => {
    cluster = await startCluster({
      stateDir: state,
      rtcPorts: { min: 44_000, max: 44_003 },
      timing: FAST,
      stopMs: 1_000,
    });
    url = cluster.url;
  });
  after(() => cluster.close());

  function node(id: string): ClusterNode | undefined {
    return cluster.nodes().find((one) => one.id === id);
  }

  function file(): ClusterFileContent | undefined {
    return readClusterFile(join(state, 'cluster.json'));
  }

  /** Resolves when the node runs as another process than `pid`. */
  async function restarted(id: string, pid: number): Promise<ClusterNode> {
    return until(`${id} runs again`, () => cluster.nodes().find((one) => one.id === id && one.pid !== pid), RESTART_MS);
  }

  async function error(answer: Response): Promise<string> {
    return ((await answer.json()) as { error: string }).error;
  }

  it('runs each node as a separate process, and lists it in cluster.json', async () => {
    assert.deepEqual(
      cluster
        .nodes()
        .map(({ id }) => id)
        .toSorted(),
      ['balancer-1', 'master-1', 'master-2', 'media-1', 'media-2'],
    );
    assert.deepEqual(file(), { url, secret: 'MY_SECRET', nodes: cluster.nodes() });
    assert.equal(statSync(join(state, 'cluster.json')).mode & 0o777, 0o600);
    const pids = cluster.nodes().map(({ pid }) => pid);
    assert.equal(new Set([...pids, process.pid]).size, 6);
    assert.deepEqual(running(pids).toSorted(), pids.toSorted());
    for (const { url: at } of cluster.nodes()) assert.equal((await fetch(`${at}/health`)).status, 200, at);
    // No process list shows the secret.
    for (const pid of pids) assert.match(commandOf(pid), /cli\.ts (?!.*MY_SECRET)/);
  });

  it('issues tokens, and names the fault of a bad request', async () => {
    const answer = await postAsPage(url, '/demo/api/token', { room: 'tokens', name: 'Ada', role: 'SUBSCRIBER' });
    assert.equal(answer.status, 200);
    const { token } = (await answer.json()) as { token: string };
    assert.match(token, new RegExp(`^ws://localhost:${portOf(url)}\\?sessionId=tokens&token=tok_`));
    const again = await postAsPage(url, '/demo/api/token', { room: 'tokens' });
    assert.equal(again.status, 200);
    const authorization = `Basic ${Buffer.from('OPENVIDUAPP:MY_SECRET').toString('base64')}`;
    const list = await fetch(`${url}/openvidu/api/sessions/tokens/connection`, { headers: { authorization } });
    const { content } = (await list.json()) as { content: { role: string; serverData: string }[] };
    assert.deepEqual(content.map(({ role, serverData }) => `${role} ${serverData}`).toSorted(), [
      'PUBLISHER ',
      'SUBSCRIBER Ada',
    ]);
    for (const [body, name] of [
      [{ room: 'no spaces' }, 'RoomNameInvalid'],
      [{ room: '' }, 'RoomNameInvalid'],
      [{ room: 'x', role: 'KING' }, 'RequestInvalid'],
      [{}, 'RequestInvalid'],
    ] as const) {
      const refused = await postAsPage(url, '/demo/api/token', body);
      assert.deepEqual([refused.status, await error(refused)], [400, name]);
    }
  });

  it('lets only its own pages kill, reports changes, and restarts killed nodes', async () => {
    const feed = await Feed.open(url, 'told');
    await feed.until('all up', ({ nodes }) => nodes.length === 5 && nodes.every(({ state: is }) => is === 'up'));
    await postAsPage(url, '/demo/api/token', { room: 'told' });
    const { room } = await feed.until('the room', (snapshot) => snapshot.room !== undefined);
    const owner = room?.owner ?? '';
    assert.deepEqual([room?.epoch, room?.failover, room?.mediaNode], [1, 'rebuild', undefined]);

    const path = `/demo/api/nodes/${owner}/kill`;
    for (const [headers, name] of [
      [{ origin: 'http://evil.example' }, 'NotSameOrigin'],
      [{ 'sec-fetch-site': 'cross-site' }, 'NotSameOrigin'],
      [{ [PAGE_KEY_HEADER]: 'guessed' }, 'PageKeyInvalid'],
    ] as const) {
      const refused = await postAsPage(url, path, {}, headers);
      assert.deepEqual([refused.status, await error(refused)], [403, name]);
    }
    const unknown = await postAsPage(url, '/demo/api/nodes/master-9/kill', {});
    assert.deepEqual([unknown.status, await error(unknown)], [404, 'NodeUnknown']);

    const old = node(owner);
    const exited = once(cluster, 'exited') as Promise<[{ id: string }, ChildExit]>;
    assert.equal((await postAsPage(url, path, {})).status, 200);
    const [{ id }, exit] = await exited;
    assert.deepEqual([id, exit.signal, exit.pid, exit.restartMs], [owner, 'SIGKILL', old?.pid, 0]);
    assert.equal(
      file()?.nodes.some(({ pid }) => pid === old?.pid),
      false,
    );
    const is = ({ nodes }: ClusterSnapshot): NodeView | undefined => nodes.find((one) => one.id === owner);
    await feed.until('it is not up', (snapshot) => is(snapshot)?.state !== 'up');
    const back = await feed.until('it is up again', (snapshot) => is(snapshot)?.state === 'up', RESTART_MS);
    const now = await restarted(owner, old?.pid ?? 0);
    assert.deepEqual([is(back)?.restarts, is(back)?.pid, is(back)?.url], [1, now.pid, old?.url]);
    assert.notEqual(now.pid, old?.pid);
    assert.ok(file()?.nodes.some(({ pid }) => pid === now.pid));
    await feed.until('the session has ended with its owner', (snapshot) => snapshot.room === undefined);
    feed.close();
  });

  it('waits longer before each restart of a node that keeps ending', async () => {
    const waits: (number | undefined)[] = [];
    const note = ({ id }: { id: string }, { restartMs }: ChildExit): void => {
      if (id === 'media-2') waits.push(restartMs);
    };
    cluster.on('exited', note);
    // It ends before it can become ready.
    for (let row = 1; row <= 3; row += 1) {
      await until('it is started', () => {
        try {
          return cluster.kill('media-2') > 0;
        } catch {
          return false;
        }
      });
      await until('its end is noticed', () => waits.length === row);
    }
    cluster.off('exited', note);
    assert.deepEqual(waits, [0, 250, 500]);
    await until('it runs', () => node('media-2') !== undefined, RESTART_MS);
  });

  it('answers token requests with 503 while no master lives, and with tokens as soon as one does', async () => {
    const pids = ['master-1', 'master-2'].map((id) => cluster.kill(id));
    await untilGone(pids);
    const answer = await postAsPage(url, '/demo/api/token', { room: 'later' });
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1']);
    assert.equal(await error(answer), 'ClusterUnavailable');
    await until(
      'a token is issued',
      async () => (await postAsPage(url, '/demo/api/token', { room: 'later' })).status === 200,
      RESTART_MS,
    );
  });

  it('does not share its state directory', async () => {
    await assert.rejects(startCluster({ stateDir: state }), { name: 'StateDirInUse', message: new RegExp(url) });
    assert.ok(file());
  });

  it('ends everything when it is closed, even unresponsive nodes and those that ended unnoticed', async () => {
    await until('all nodes run', () => cluster.nodes().length === 5);
    const pids = descendantsOf(process.pid).filter((pid) => running([pid]).length > 0);
    // Five nodes and the two workers of the media nodes.
    assert.ok(pids.length >= 7, String(pids));
    const urls = cluster.nodes().map((one) => one.url);
    cluster.kill('master-2', 'SIGSTOP');
    const ends = new Map<string, unknown>();
    cluster.on('exited', ({ id }, { code, signal }) => ends.set(id, signal ?? code));
    const balancer = cluster.kill('balancer-1');
    // This loop blocks the supervisor, so it cannot notice the end before it closes.
    while (running([balancer]).length > 0);
    await cluster.close();
    assert.deepEqual(Object.fromEntries(ends), {
      'balancer-1': 'SIGKILL',
      'master-1': 0,
      'master-2': 'SIGKILL',
      'media-1': 0,
      'media-2': 0,
    });
    await untilGone(pids);
    for (const at of urls) await requireFreePort('127.0.0.1', portOf(at));
    assert.equal(file(), undefined);
  });
});

describe('rejoin dev', { timeout: 90_000 }, () => {
  const state = join(directory, 'two');
  let port = 0;
  let args: string[] = [];

  before(async () => {
    [port = 0] = await freePorts('127.0.0.1', 1);
    args = ['--port', String(port), '--state-dir', state, '--masters', '1', '--media-nodes', '1', '--json'];
    args.push('--rtc-ports', '44004-44007', '--beat', '200', '--verdict', '800');
  });

  it('leaves nothing behind when it is killed, so that the next run can start at once', async () => {
    // Variables for one command do not affect others.
    const first = new Supervisor(args, { REJOIN_REQUEST_TIMEOUT: 'nonsense' });
    const ready = await first.ready();
    assert.deepEqual([ready.url, ready.stateDir], [`http://localhost:${port}`, state]);
    const orphans = descendantsOf(first.pid);
    // Three nodes and a worker.
    assert.equal(orphans.length, 4);
    first.kill('SIGKILL');

    const second = new Supervisor(args);
    await second.ready();
    assert.deepEqual(running(orphans), []);
    const pids = descendantsOf(second.pid);
    assert.equal(pids.length, 4);
    // Like Ctrl-C in a terminal: a signal to the whole foreground process group.
    process.kill(-second.pid, 'SIGINT');
    assert.equal(await second.exited, 0);
    assert.deepEqual(running(pids), []);
    // The signal did not reach the nodes; the supervisor ended them, one role after the other.
    const ends = second.events.filter(({ event }) => event === 'exited');
    assert.deepEqual(
      ends.map(({ id, code: how }) => `${id} ${how}`),
      ['balancer-1 0', 'master-1 0', 'media-1 0'],
    );
    assert.equal(readClusterFile(join(state, 'cluster.json')), undefined);
    await requireFreePort('127.0.0.1', port);
  });

  it('ends at once at the second signal, whatever a node does', async () => {
    const supervisor = new Supervisor(args);
    await supervisor.ready();
    const pids = descendantsOf(supervisor.pid);
    const frozen = readClusterFile(join(state, 'cluster.json'))?.nodes.find(({ role }) => role === 'balancer');
    process.kill(frozen?.pid ?? 0, 'SIGSTOP');
    const from = performance.now();
    supervisor.kill('SIGTERM');
    await assert.rejects(Promise.race([supervisor.exited.then(() => 'ended'), fails(200)]));
    supervisor.kill('SIGTERM');
    assert.equal(await supervisor.exited, 1);
    assert.ok(performance.now() - from < 2_000);
    await untilGone(pids);
  });

  it('ends with its parent, even while it starts', async () => {
    const supervisor = new Supervisor(args);
    await until('it has begun', () => descendantsOf(supervisor.pid).length > 0);
    const pids = descendantsOf(supervisor.pid);
    supervisor.disconnect();
    assert.equal(await supervisor.exited, 0);
    assert.deepEqual(running(pids), []);
    assert.equal(readClusterFile(join(state, 'cluster.json')), undefined);
  });

  it('names the fault of its port', async () => {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    const supervisor = new Supervisor(args);
    assert.equal(await supervisor.exited, 1);
    server.close();
    assert.match(supervisor.errors, new RegExp(`^PortTaken: Port ${port} .*--port`));
  });

  it('says why a node cannot start, and leaves nothing behind', async () => {
    const supervisor = new Supervisor(args, { MEDIASOUP_WORKER_BIN: '/nowhere/worker' });
    assert.equal(await supervisor.exited, 1);
    assert.match(supervisor.errors, /^NodeFailed: media-1 ended with code 1 .*\/nowhere\/worker/s);
    await requireFreePort('127.0.0.1', port);
    assert.equal(readClusterFile(join(state, 'cluster.json')), undefined);
  });

  it('names the fault of its options, with exit code 2', async () => {
    for (const [given, name] of [
      [['dev', '--port', '99999'], 'InvalidPort'],
      [['dev', '--rtc-ports', '5-4'], 'InvalidPortRange'],
      [['dev', '--beat', '500', '--verdict', '400'], 'InvalidTiming'],
      [['master', '--secret', 'x', '--store', 'redis://x'], 'UnsupportedStore'],
      [['master', '--store', 'sqlite:x'], 'SecretMissing'],
      [['balancer', '--secret', 'x'.repeat(32)], 'MasterMissing'],
      [['nonsense'], 'unknown command'],
    ] as const) {
      const child = spawn(process.execPath, [CLI, ...given], { stdio: ['ignore', 'ignore', 'pipe'] });
      let errors = '';
      for await (const part of child.stderr) errors += String(part);
      assert.match(errors, new RegExp(`error: .*${name}`));
      assert.equal(child.exitCode ?? (await once(child, 'exit'))[0], 2, name);
    }
  });
});

interface Line {
  readonly event: string;
  readonly id?: string;
  readonly code?: number | null;
  readonly url?: string;
  readonly stateDir?: string;
}

/** A `rejoin dev` in its own process group, as a shell starts it. */
class Supervisor {
  readonly events: Line[] = [];
  readonly exited: Promise<number | null>;
  errors = '';
  readonly #child: ChildProcess;

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    const child = spawn(process.execPath, [CLI, 'dev', ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
      env: { ...process.env, ...env },
    });
    this.#child = child;
    if (!child.stdout || !child.stderr) throw new Error('There are no pipes.');
    createInterface(child.stdout).on('line', (line) => this.events.push(JSON.parse(line) as Line));
    child.stderr.on('data', (part) => {
      this.errors += String(part);
    });
    // 'close' would not follow if this end closes the IPC channel.
    const ended = Promise.all([once(child, 'exit'), once(child.stdout, 'close'), once(child.stderr, 'close')]);
    this.exited = ended.then(() => child.exitCode);
    after(() => child.kill('SIGTERM'));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  disconnect(): void {
    this.#child.disconnect();
  }

  ready(): Promise<Line> {
    const found = (): Line | undefined => {
      if (this.#child.exitCode !== null) throw new Error(`rejoin dev ended: ${this.errors}`);
      return this.events.find(({ event }) => event === 'ready');
    };
    return until('the cluster is ready', found, 20_000);
  }
}

/** The state of the cluster as the demo page receives it. */
class Feed {
  latest: ClusterSnapshot | undefined;
  readonly #abort: AbortController;

  static async open(url: string, room: string): Promise<Feed> {
    const abort = new AbortController();
    const headers = { [PAGE_KEY_HEADER]: await pageKey(url) };
    const answer = await fetch(`${url}/demo/api/cluster?room=${room}`, { headers, signal: abort.signal });
    assert.equal(answer.headers.get('content-type'), 'text/event-stream');
    const feed = new Feed(abort);
    void feed.#read(answer).catch(() => {});
    return feed;
  }

  private constructor(abort: AbortController) {
    this.#abort = abort;
  }

  until(what: string, is: (snapshot: ClusterSnapshot) => boolean, withinMs?: number): Promise<ClusterSnapshot> {
    return until(what, () => (this.latest && is(this.latest) ? this.latest : undefined), withinMs);
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(answer: Response): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const part of answer.body ?? []) {
      const events = (rest + decoder.decode(part as Uint8Array, { stream: true })).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) this.latest = JSON.parse(event.slice('data: '.length)) as ClusterSnapshot;
    }
  }
}

async function fails(ms: number): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  throw new Error(`not within ${ms} ms`);
}

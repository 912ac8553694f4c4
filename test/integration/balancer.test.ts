import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { WebSocket } from 'ws';
import { freePorts } from '../../src/server/dev/ports.ts';
import { until } from '../fixtures/until.ts';

/** A real balancer in front of real master-like processes that are killed and frozen. */

const ROOT = join(import.meta.dirname, '..', '..');
const CLI = join(ROOT, 'src', 'server', 'cli.ts');
const FAKE_MASTER = join(ROOT, 'test', 'fixtures', 'balancer', 'fake-master.ts');
const SECRET = 'test-secret-of-more-than-32-characters';

const directory = mkdtempSync(join(tmpdir(), 'rejoin-balancer-'));
const started: ChildProcess[] = [];

after(async () => {
  for (const child of started) await kill(child);
  rmSync(directory, { recursive: true });
});

async function start(script: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  started.push(child);
  await once(child, 'message');
  return child;
}

async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
  return child.exitCode;
}

/** A master that can be killed and restarted at the same port. */
class Master {
  readonly id: string;
  readonly port: number;
  readonly internalPort: number;
  process: ChildProcess | undefined;

  constructor(id: string, port: number, internalPort: number) {
    this.id = id;
    this.port = port;
    this.internalPort = internalPort;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** In the form of `--master`. */
  get addresses(): string {
    return `${this.url}=http://127.0.0.1:${this.internalPort}`;
  }

  get journal(): string {
    return join(directory, `${this.id}-${this.port}.jobs`);
  }

  async start(): Promise<void> {
    this.process = await start(FAKE_MASTER, [
      this.id,
      String(this.port),
      String(this.internalPort),
      SECRET,
      this.journal,
    ]);
  }

  async kill(): Promise<void> {
    if (this.process) await kill(this.process);
  }
}

interface Scene {
  readonly url: string;
  readonly metrics: string;
  readonly balancer: ChildProcess;
  readonly masters: readonly [Master, Master];
}

async function scene(...options: string[]): Promise<Scene> {
  const [port = 0, internal = 0, ...ports] = await freePorts('127.0.0.1', 6);
  const [one = 0, oneInternal = 0, two = 0, twoInternal = 0] = ports;
  const masters = [new Master('one', one, oneInternal), new Master('two', two, twoInternal)] as const;
  const args = ['balancer', '--host', '127.0.0.1', '--port', String(port), '--secret', SECRET, '--log-level', 'warn'];
  args.push(
    '--internal-port',
    String(internal),
    '--beat',
    '200',
    '--verdict',
    '800',
    ...masters.flatMap(({ addresses }) => ['--master', addresses]),
    ...options,
  );
  const [balancer] = await Promise.all([start(CLI, args), ...masters.map((master) => master.start())]);
  const url = `http://127.0.0.1:${port}`;
  const metrics = `http://127.0.0.1:${internal}/metrics`;
  await untilHealthy(metrics, 2);
  return { url, metrics, balancer, masters };
}

/** Waits until this number of masters is in rotation, and returns the time, ms. */
async function untilHealthy(metricsUrl: string, count: number): Promise<number> {
  const from = performance.now();
  await until(`${count} masters in rotation`, async () => {
    const metrics = await (await fetch(metricsUrl)).text();
    return new RegExp(`^rejoin_balancer_healthy_masters\\{[^}]*\\} ${count}$`, 'm').test(metrics);
  });
  return performance.now() - from;
}

async function who(url: string): Promise<string> {
  const answer = await fetch(`${url}/openvidu/api/who`);
  assert.equal(answer.status, 200);
  return ((await answer.json()) as { id: string }).id;
}

function job(url: string, name: string): Promise<Response> {
  return fetch(`${url}/openvidu/api/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ job: name }),
  });
}

async function open(url: string): Promise<{ ws: WebSocket; master: string }> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/rejoin`);
  const [data] = (await once(ws, 'message')) as [Buffer];
  return { ws, master: String(data) };
}

describe('balancer', { timeout: 60_000 }, () => {
  it('distributes requests and sockets, and notices a crash in milliseconds', async () => {
    const { url, metrics, masters } = await scene();
    const seen = await Promise.all([who(url), who(url), who(url), who(url)]);
    assert.deepEqual(seen.toSorted(), ['one', 'one', 'two', 'two']);
    const { ws, master } = await open(url);
    const [dying, living] = master === 'one' ? masters : [masters[1], masters[0]];

    const closed = once(ws, 'close');
    await dying.kill();
    await closed;
    // Before the balancer can have noticed: the other master does what the dead one refuses.
    const answers = await Promise.all([job(url, 'a'), job(url, 'b'), job(url, 'c'), job(url, 'd')]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    );
    assert.equal((await open(url)).master, living.id);
    assert.ok((await untilHealthy(metrics, 1)) < 500);

    await dying.start();
    assert.ok((await untilHealthy(metrics, 2)) < 1_000);
    assert.equal(new Set(await Promise.all([who(url), who(url)])).size, 2);
  });

  it('never refuses while its masters die and return, and executes nothing twice', async () => {
    const { url, metrics, masters } = await scene('--request-timeout', '2000');
    const statuses = new Map<number, number>();
    let over = false;
    let sent = 0;
    const client = async (): Promise<void> => {
      while (!over && sent < 4_000) {
        sent += 1;
        const name = `job-${sent}`;
        // A refused or broken connection rejects, which fails the test.
        const answer = sent % 4 === 0 ? await fetch(`${url}/openvidu/api/who`) : await job(url, name);
        const body = (await answer.json()) as { status?: number };
        if (answer.status !== 200) assert.equal(body.status, answer.status);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        await delay(3);
      }
    };
    const clients = Array.from({ length: 8 }, client);
    const [one, two] = masters;
    const more = async (count: number): Promise<void> => {
      const enough = sent + count;
      await until(`${enough} requests sent`, () => sent >= enough, 10_000);
    };
    await more(100);
    await one.kill();
    await more(100);
    await one.start();
    await untilHealthy(metrics, 2);
    await two.kill();
    await more(50);
    await one.kill();
    await more(100);
    await Promise.all([one.start(), two.start()]);
    await untilHealthy(metrics, 2);
    one.process?.kill('SIGSTOP');
    await untilHealthy(metrics, 1);
    one.process?.kill('SIGCONT');
    await untilHealthy(metrics, 2);
    await more(100);
    over = true;
    await Promise.all(clients);

    const counts = Object.fromEntries(statuses);
    for (const status of statuses.keys()) assert.ok([200, 502, 503, 504].includes(status), JSON.stringify(counts));
    assert.ok((statuses.get(200) ?? 0) > 300, JSON.stringify(counts));
    assert.ok((statuses.get(503) ?? 0) > 0, 'there was a time without masters');
    const jobs = masters.flatMap(({ journal }) => readFileSync(journal, 'utf8').trim().split('\n'));
    assert.equal(new Set(jobs).size, jobs.length);
  });

  it('takes a frozen master out of rotation and restores it later', async () => {
    const { url, metrics, masters } = await scene();
    masters[0].process?.kill('SIGSTOP');
    await untilHealthy(metrics, 1);
    assert.deepEqual(await Promise.all([who(url), who(url), who(url)]), ['two', 'two', 'two']);
    masters[0].process?.kill('SIGCONT');
    await untilHealthy(metrics, 2);
  });

  it('sends nothing new to a draining master, and keeps its sockets', async () => {
    const { url, metrics, masters } = await scene();
    const [first, second] = await Promise.all([open(url), open(url)]);
    assert.notEqual(first.master, second.master);
    await fetch(`${masters[0].url}/openvidu/api/drain`, { method: 'POST' });
    await untilHealthy(metrics, 1);
    assert.deepEqual(await Promise.all([who(url), who(url)]), ['two', 'two']);
    for (const { ws } of [first, second]) {
      ws.send('still here');
      const [data] = (await once(ws, 'message')) as [Buffer];
      assert.equal(String(data), 'still here');
    }
  });

  it('buffers no more of a socket than its slower end can take', async () => {
    const { url, metrics, masters } = await scene();
    await masters[1].kill();
    await untilHealthy(metrics, 1);
    const { hostname, port } = new URL(url);
    const client = connect(Number(port), hostname);
    client.write(
      'GET /rejoin HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
        'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await once(client, 'data');
    client.pause();
    const frames = 640;
    client.write(maskedFrame(`flood ${frames}`));
    // When the amount stays constant, every buffer on the way is full.
    let unsent = 0;
    for (let same = 0; same < 5; await delay(50)) {
      const now = ((await (await fetch(`${url}/openvidu/api/sockets`)).json()) as { unsent: number }).unsent;
      same = now === unsent && now > 0 ? same + 1 : 0;
      unsent = now;
    }
    assert.ok(unsent > (frames * 65_536) / 2, `${unsent} bytes wait at the master`);
    client.resume();
    assert.ok((await received(client, frames * 65_536)) >= frames * 65_536);
    client.destroy();
    await until('the master has closed the socket', async () => {
      return ((await (await fetch(`${url}/openvidu/api/sockets`)).json()) as { open: number }).open === 0;
    });
  });

  it('serves files that a browser revalidates before each use', async () => {
    writeFileSync(join(directory, 'index.html'), '<title>demo</title>');
    writeFileSync(join(directory, '.secret'), 'x');
    const policy = '/more/=frame-ancestors https://a.example, https://b.example';
    const files = ['--static', directory, '--static', `/more/=${directory}`, '--static-policy', policy];
    const { url, metrics, masters } = await scene(...files);
    const page = await fetch(`${url}/`);
    assert.equal(await page.text(), '<title>demo</title>');
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
    assert.equal(page.headers.get('cache-control'), 'no-cache');
    const etag = page.headers.get('etag') ?? '';
    // fetch would request a fresh copy.
    const asked = await request(`${url}/index.html`, { headers: { 'if-none-match': etag } });
    assert.equal(asked.statusCode, 304);
    assert.equal(page.headers.get('x-frame-options'), 'DENY');
    assert.equal(page.headers.get('content-security-policy'), null);
    assert.equal(asked.headers['x-content-type-options'], 'nosniff');
    const more = await fetch(`${url}/more/index.html`);
    assert.equal(more.status, 200);
    assert.equal(more.headers.get('content-security-policy'), 'frame-ancestors https://a.example, https://b.example');
    for (const path of ['/.secret', '/more/none', '/internal/ping', '/internal/live', '/metrics', '/%2e%2e/x']) {
      const answer = await fetch(url + path);
      assert.equal(answer.status, 404, path);
      assert.equal(((await answer.json()) as { status: number }).status, 404);
    }
    // A page is served without masters, too, and /health reports their absence.
    assert.equal((await fetch(`${url}/health`)).status, 200);
    await Promise.all(masters.map((master) => master.kill()));
    await untilHealthy(metrics, 0);
    assert.equal((await fetch(`${url}/`)).status, 200);
    assert.equal((await fetch(`${url}/health`)).status, 503);
  });

  it('counts, and closes open connections when it is asked to end', async () => {
    const { url, metrics: metricsUrl, balancer } = await scene('--drain-deadline', '50000');
    const sockets = await Promise.all([open(url), open(url), open(url)]);
    await who(url);
    const metrics = await (await fetch(metricsUrl)).text();
    assert.match(metrics, /^rejoin_balancer_connections\{.*\} 3$/m);
    assert.match(metrics, /^rejoin_balancer_requests_total\{status="101".*\} 3$/m);
    assert.match(metrics, /^rejoin_balancer_requests_total\{status="200".*\} 1$/m);
    const closed = Promise.all(sockets.map(({ ws }) => once(ws, 'close')));
    assert.equal(await kill(balancer, 'SIGTERM'), 0);
    await closed;
    await assert.rejects(fetch(`${url}/health`));
  });

  it('names the fault of its port', async () => {
    const { url } = await scene();
    const { port } = new URL(url);
    const args = [CLI, 'balancer', '--host', '127.0.0.1', '--port', port, '--secret', SECRET, '--master', url];
    // Any free internal port, because the next one may be the first process's.
    args.push('--internal-port', '0', '--log-level', 'silent');
    const second = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    for await (const part of second.stderr) errors += String(part);
    assert.match(errors, /^PortTaken: .*--port/);
    assert.equal(second.exitCode ?? (await once(second, 'exit'))[0], 1);
  });
});

/** A text frame in a client's form, with a mask of zeros. */
function maskedFrame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 + text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

/** Reads until this number of bytes has arrived. */
async function received(socket: Socket, bytes: number): Promise<number> {
  let count = 0;
  for await (const part of socket.iterator({ destroyOnReturn: false })) {
    count += (part as Buffer).length;
    if (count >= bytes) break;
  }
  return count;
}

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { after, describe, it } from 'node:test';
import { pino } from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import type { GatewayErrorBody } from '../../src/server/balancer/gateway-error.ts';
import { UpgradeProxy } from '../../src/server/balancer/upgrade-proxy.ts';
import { TrustedProxies } from '../../src/server/shared/client-address.ts';
import { silentAddress } from '../fixtures/doors/silent-address.ts';
import { until } from '../fixtures/until.ts';

const opened: (Server | TcpServer)[] = [];
const sockets = new Set<Socket>();

after(() => {
  for (const server of opened) server.close();
  for (const socket of sockets) socket.destroy();
});

async function originOf(server: Server | TcpServer): Promise<string> {
  opened.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Master {
  readonly url: string;
  /** The requests of the accepted sockets. */
  readonly taken: IncomingMessage[];
  readonly sockets: Set<WebSocket>;
}

/** Sends its name to each socket, and then echoes messages. */
async function master(name: string): Promise<Master> {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  const taken: IncomingMessage[] = [];
  server.on('upgrade', (request, socket, head) => {
    taken.push(request);
    sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.send(name);
      ws.on('message', (data, binary) => ws.send(data, { binary }));
    });
  });
  return { url: await originOf(server), taken, sockets: sockets.clients };
}

interface Front {
  readonly url: string;
  readonly origin: string;
  readonly proxy: UpgradeProxy;
  readonly suspects: string[];
  readonly answered: number[];
}

async function front(
  masters: readonly string[],
  handshakeMs = 200,
  life: AbortController = new AbortController(),
): Promise<Front> {
  const suspects: string[] = [];
  const answered: number[] = [];
  const proxy = new UpgradeProxy({
    pool: { rotation: () => [...masters], suspect: (url) => void suspects.push(url), lifeOf: () => life.signal },
    proxies: new TrustedProxies(),
    log: pino({ level: 'silent' }),
    handshakeMs,
    answered: (status) => void answered.push(status),
  });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => void proxy.handle(request, socket, head));
  const origin = await originOf(server);
  return { url: `${origin.replace('http', 'ws')}/rejoin`, origin, proxy, suspects, answered };
}

async function refusing(): Promise<string> {
  const server = createServer();
  const url = await originOf(server);
  server.close();
  await once(server, 'close');
  return url;
}

async function greeting(ws: WebSocket): Promise<string> {
  const [data] = (await once(ws, 'message')) as [Buffer];
  return data.toString();
}

/** The status of a refused upgrade, with its JSON. */
async function refusal(url: string): Promise<{ status: number; body: GatewayErrorBody; retry: unknown }> {
  const ws = new WebSocket(url);
  ws.on('error', () => {});
  const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const body = JSON.parse(Buffer.concat(parts).toString()) as GatewayErrorBody;
  return { status: response.statusCode ?? 0, body, retry: response.headers['retry-after'] };
}

describe('UpgradeProxy', { timeout: 20_000 }, () => {
  it('connects a client and a master, with the address of the client', async () => {
    const one = await master('one');
    const { url, proxy, answered } = await front([one.url]);
    const ws = new WebSocket(`${url}?a=b`, { headers: { 'x-forwarded-for': '10.1.2.3', cookie: 'c=d' } });
    assert.equal(await greeting(ws), 'one');
    ws.send('back');
    assert.equal(await greeting(ws), 'back');
    const [request] = one.taken;
    assert.equal(request?.url, '/rejoin?a=b');
    assert.equal(request?.headers['x-forwarded-for'], '10.1.2.3, 127.0.0.1');
    assert.equal(request?.headers['x-forwarded-proto'], 'http');
    assert.equal(request?.headers.cookie, 'c=d');
    assert.equal(proxy.tunnels, 1);
    assert.deepEqual(answered, [101]);
    ws.terminate();
    await until('both ends are closed', () => proxy.tunnels === 0 && one.sockets.size === 0);
  });

  it('loses no data that a client sends before the answer', async () => {
    const one = await master('one');
    const { origin } = await front([one.url]);
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    const key = 'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    socket.write(`GET /rejoin HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n${key}\r\n`);
    // A text frame with a mask of zeros.
    const frame = (text: string): Buffer =>
      Buffer.concat([Buffer.from([0x81, 0x80 + text.length, 0, 0, 0, 0]), Buffer.from(text)]);
    socket.write(frame('first'));
    setImmediate(() => socket.write(frame('second')));
    let text = '';
    for await (const part of socket) {
      text += (part as Buffer).toString('latin1');
      if (text.includes('second')) break;
    }
    assert.match(text, /^HTTP\/1\.1 101 .*first.*second/s);
  });

  it("closes the client with the master, after the master's last data", async () => {
    const one = await master('one');
    const { url, proxy } = await front([one.url]);
    const ws = new WebSocket(url);
    await greeting(ws);
    const [socket] = one.sockets;
    socket?.send('x'.repeat(1024 * 1024));
    socket?.close(4001, 'moved');
    const [[data], [code, reason]] = await Promise.all([once(ws, 'message'), once(ws, 'close')]);
    assert.equal((data as Buffer).length, 1024 * 1024);
    assert.deepEqual([code, String(reason)], [4001, 'moved']);
    await until('both ends are closed', () => proxy.tunnels === 0);
  });

  it('closes the client when the connection to the master is reset', async () => {
    const one = await master('one');
    const { url } = await front([one.url]);
    const ws = new WebSocket(url);
    await greeting(ws);
    one.taken[0]?.socket.resetAndDestroy();
    const [code] = await once(ws, 'close');
    assert.equal(code, 1006);
  });

  it('tries the next master when one refuses, aborts, is silent or answers 503', async () => {
    const breaking = await originOf(createTcpServer((socket) => socket.once('data', () => socket.destroy())));
    const silent = await originOf(createTcpServer((socket) => socket.on('error', () => {})));
    const draining = await originOf(
      createServer().on('upgrade', (_request, socket) => socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n')),
    );
    for (const [bad, suspected] of [
      [await refusing(), true],
      [breaking, true],
      [silent, true],
      [draining, false],
    ] as const) {
      const two = await master('two');
      const { url, suspects } = await front([bad, two.url]);
      const ws = new WebSocket(url);
      assert.equal(await greeting(ws), 'two');
      assert.deepEqual(suspects, suspected ? [bad] : []);
      ws.terminate();
    }
  });

  it('answers 503 or 504 on the socket when no master accepts it', async () => {
    const silent = await originOf(createTcpServer((socket) => socket.on('error', () => {})));
    for (const [masters, status] of [
      [[], 503],
      [[await refusing()], 503],
      [[await refusing(), silent], 504],
    ] as const) {
      const { url, answered } = await front(masters);
      const answer = await refusal(url);
      assert.equal(answer.status, status);
      assert.equal(answer.body.path, '/rejoin');
      assert.equal(answer.retry, '1');
      assert.deepEqual(answered, [status]);
    }
  });

  it('accepts sockets at one path only', async () => {
    const one = await master('one');
    const { origin } = await front([one.url]);
    for (const path of ['/', '/internal/live', '/rejoin/x', '/%72ejoin']) {
      assert.equal((await refusal(origin.replace('http', 'ws') + path)).status, 404, path);
    }
    assert.equal((await refusal(`${origin.replace('http', 'ws')}//rejoin`)).status, 400);
    assert.equal(one.taken.length, 0);
  });

  it('tries the next master soon when a host does not answer, or is found dead', async () => {
    const silent = await silentAddress();
    const two = await master('two');
    const { url, suspects } = await front([silent.url, two.url], 30_000);
    const ws = new WebSocket(url);
    const from = performance.now();
    assert.equal(await greeting(ws), 'two');
    assert.ok(performance.now() - from < 2_500, `${performance.now() - from} ms`);
    assert.deepEqual(suspects, [silent.url]);
    ws.terminate();
    silent.close();

    const asked = Promise.withResolvers<void>();
    const frozen = await originOf(
      createTcpServer((socket) => socket.on('error', () => {}).once('data', asked.resolve)),
    );
    const life = new AbortController();
    const other = await front([frozen], 30_000, life);
    const answer = refusal(other.url);
    await asked.promise;
    life.abort('timeout');
    assert.equal((await answer).status, 504);
  });

  it('forwards a refusal, but no later data of the client', async () => {
    const heard: string[] = [];
    const refusingServer = createServer((request, response) => {
      heard.push(`${request.method} ${request.url}`);
      response.writeHead(426, { 'content-type': 'application/json', 'x-own': '1' }).end('{"upgrade":"no"}');
    });
    const { origin } = await front([await originOf(refusingServer)]);
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    const upgrade = 'GET /rejoin HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
    socket.write(`${upgrade}GET /internal/ping HTTP/1.1\r\nhost: x\r\n\r\n`);
    let text = '';
    for await (const part of socket) text += String(part);
    assert.match(text, /^HTTP\/1\.1 426 Upgrade Required\r\n/);
    assert.match(text, /x-own: 1\r\n/i);
    assert.match(text, /\r\n\r\n\{"upgrade":"no"\}$/);
    assert.deepEqual(heard, ['GET /rejoin']);
  });

  it('closes the client when the master aborts its refusal', async () => {
    const breaking = createServer((_request, response) => {
      response.writeHead(426, { 'content-length': '1000' });
      response.write('half');
      setImmediate(() => response.destroy());
    });
    const { origin } = await front([await originOf(breaking)]);
    const { hostname, port } = new URL(origin);
    const client = connect(Number(port), hostname);
    client.write('GET /rejoin HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    let text = '';
    for await (const part of client) text += String(part);
    assert.match(text, /^HTTP\/1\.1 426 .*half$/s);
  });

  it('refuses an upgrade that carries a body', async () => {
    const one = await master('one');
    const { origin } = await front([one.url]);
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    socket.write(
      'GET /rejoin HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 4\r\n\r\nbody',
    );
    let text = '';
    for await (const part of socket) text += String(part);
    assert.match(text, /^HTTP\/1\.1 400 /);
    assert.equal(one.taken.length, 0);
  });

  it('aborts at the master, and tries no other, when the client leaves before an answer', async () => {
    const asked = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const silent = await originOf(
      createTcpServer((socket) => {
        socket.on('error', () => {}).on('close', left.resolve);
        socket.once('data', () => asked.resolve());
      }),
    );
    const two = await master('two');
    const { url, suspects } = await front([silent, two.url], 60_000);
    const ws = new WebSocket(url);
    ws.on('error', () => {});
    await asked.promise;
    ws.terminate();
    await left.promise;
    assert.deepEqual([two.taken.length, suspects], [0, []]);
  });

  it('closes the sockets of a master that is found dead, which would not close them itself', async () => {
    const one = await master('one');
    const life = new AbortController();
    const { url, proxy } = await front([one.url], 200, life);
    const ws = new WebSocket(url);
    await greeting(ws);
    life.abort('timeout');
    await once(ws, 'close');
    await until('both ends are closed', () => proxy.tunnels === 0);
  });

  it('closes its sockets when it is closed', async () => {
    const one = await master('one');
    const { url, proxy } = await front([one.url]);
    const ws = new WebSocket(url);
    await greeting(ws);
    proxy.close();
    await once(ws, 'close');
    await until('both ends are closed', () => proxy.tunnels === 0 && one.sockets.size === 0);
  });
});

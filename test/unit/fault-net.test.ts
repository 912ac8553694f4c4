import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { type End, FaultNet } from '../fixtures/faults/fault-net.ts';
import { until } from '../fixtures/until.ts';

/** A node that answers requests at once and echoes WebSocket messages. */
let node: Server;
let sockets: WebSocketServer;
const received: string[] = [];
let net: FaultNet;
let url: string;
const nothing = (): void => {};

before(async () => {
  node = createServer((call, answer) => {
    call.resume();
    call.on('end', () => {
      received.push(call.url ?? '');
      answer.end('ok');
    });
  });
  sockets = new WebSocketServer({ server: node });
  sockets.on('connection', (ws) => {
    ws.on('error', nothing);
    ws.on('message', (data) => {
      received.push(String(data));
      ws.send(`${data}!`);
    });
  });
  node.listen(0, '127.0.0.1');
  await once(node, 'listening');
});
after(() => {
  node.closeAllConnections();
  node.close();
});
beforeEach(async () => {
  received.length = 0;
  net = new FaultNet(7);
  const at = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
  await net.reachedAt({ id: 'master-2', role: 'master', url: at });
  await net.reachedAt({ id: 'balancer-1', role: 'balancer', url: at });
  url = await net.reachedAt({ id: 'master-1', role: 'master', url: at });
});
afterEach(() => net.close());

/** A WebSocket to master-1, from another master or (without a name) the balancer. */
class Talker {
  readonly heard: string[] = [];
  closed: number | undefined;
  readonly ws: WebSocket;

  constructor(from?: End) {
    this.ws = new WebSocket(url, { headers: from ? { 'x-rejoin-from': `${from}@x1` } : {} });
    this.ws.on('message', (data) => this.heard.push(String(data)));
    this.ws.on('error', nothing);
    this.ws.on('close', (code) => {
      this.closed = code;
    });
  }

  static async open(from?: End): Promise<Talker> {
    const talker = new Talker(from);
    await until('it is open', () => talker.ws.readyState === WebSocket.OPEN);
    return talker;
  }

  async echo(text: string): Promise<void> {
    this.ws.send(text);
    await until(`${text} comes back`, () => this.heard.includes(`${text}!`));
  }
}

/** A request over its own connection: returns the status, or how the connection broke. */
function ask(path: string, from?: End): Promise<number | string | undefined> {
  return new Promise((resolve) => {
    const call = request(`${url}${path}`, { agent: false, headers: from ? { 'x-rejoin-from': `${from}@x1` } : {} });
    call.on('response', (answer: IncomingMessage) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    call.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code));
    call.end();
  });
}

/** A wait for events that must not happen: far longer than they would take. */
const A_WHILE_MS = 150;
const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, A_WHILE_MS));

test('a cut resets the connections of its link and of no other, and new ones at once, until it is healed', async () => {
  const cut = await Talker.open('master-2');
  const other = await Talker.open();
  await cut.echo('a');
  net.cut('master-1', 'master-2');
  await until('it is closed', () => cut.closed);
  assert.equal(await ask('/new', 'master-2'), 'ECONNRESET');
  assert.deepEqual(received, ['a'], 'nothing has arrived');
  assert.equal(await ask('/other'), 200);
  await other.echo('b');
  assert.deepEqual(net.faults, [{ kind: 'cut', from: 'master-1', to: 'master-2' }]);
  net.heal('master-2', 'master-1');
  assert.equal(await ask('/healed', 'master-2'), 200);
  assert.equal(net.connections('master-1', 'balancer-1'), 1);
});

for (const [name, stall] of [
  ['one that calls', () => net.stall('master-2', 'master-1', 'there')],
  ['one that is called', () => net.stall('master-1', 'master-2', 'back')],
] as const) {
  test(`held data of the ${name} arrives when the stall is over; the other way is open`, async () => {
    const talker = await Talker.open('master-2');
    await talker.echo('before');
    stall();
    talker.ws.send('there');
    const late = ask('/late', 'master-2');
    for (const ws of sockets.clients) ws.send('back');
    await until('the other way is open', () => talker.heard.includes('back'));
    await aWhile();
    assert.deepEqual(received, ['before']);
    assert.equal(talker.closed, undefined);
    net.heal();
    await until('all that was held back', () => received.length === 3);
    assert.equal(await late, 200);
    await until('its answer', () => talker.heard.includes('there!'));
  });
}

test('the other way stalled: data arrives, but no answer returns before the end', async () => {
  const talker = await Talker.open('master-2');
  await talker.echo('before');
  net.stall('master-2', 'master-1', 'back');
  talker.ws.send('there');
  const late = ask('/late', 'master-2');
  await until('both have arrived', () => received.includes('there') && received.includes('/late'));
  await aWhile();
  assert.deepEqual(talker.heard, ['before!']);
  net.heal();
  assert.equal(await late, 200);
  await until('the answer', () => talker.heard.includes('there!'));
});

test("stalled both ways: neither side learns of the other's close, and earlier data is not lost", async () => {
  const talker = await Talker.open('master-2');
  await talker.echo('before');
  const [far] = [...sockets.clients];
  net.stall('master-1', 'master-2');
  talker.ws.send('last words');
  talker.ws.terminate();
  await aWhile();
  assert.equal(far?.readyState, WebSocket.OPEN);
  assert.deepEqual(received, ['before']);
  net.heal();
  await until('the far side has learned of the close', () => far?.readyState === WebSocket.CLOSED);
  assert.deepEqual(received, ['before', 'last words']);
});

test('held data of a reset connection is not delivered', async () => {
  net.stall('master-2', 'master-1');
  const { port } = new URL(url);
  const socket: Socket = connect(Number(port), '127.0.0.1');
  socket.write('GET /reset HTTP/1.1\r\nhost: x\r\nx-rejoin-from: master-2@x1\r\n\r\n');
  await until('it is known', () => net.connections('master-1', 'master-2') === 1);
  socket.resetAndDestroy();
  await aWhile();
  net.heal();
  await until('it is closed', () => net.connections('master-1', 'master-2') === 0);
  assert.deepEqual(received, []);
});

test('a stalled sender blocks when the buffers on the way are full', async () => {
  const talker = await Talker.open('master-2');
  net.stall('master-2', 'master-1', 'there');
  const piece = Buffer.alloc(1024 * 1024);
  for (let sent = 0; sent < 32; sent += 1) talker.ws.send(piece);
  await aWhile();
  assert.ok(talker.ws.bufferedAmount > 8 * piece.length, `${talker.ws.bufferedAmount} bytes wait at the sender`);
  net.heal();
  await until('all of it', () => received.length === 32);
});

test('delayed: late each way, in order', async () => {
  const talker = await Talker.open();
  net.delay('balancer-1', 'master-1', { ms: 80, jitterMs: 40 });
  const begun = performance.now();
  for (let at = 0; at < 20; at += 1) {
    talker.ws.send(`${at}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await until('all are back', () => talker.heard.length === 20);
  const took = performance.now() - begun;
  assert.ok(took >= 160 && took < 1_000, `${took} ms`);
  assert.deepEqual(
    received,
    Array.from({ length: 20 }, (_, at) => `${at}`),
  );
});

test('lost chunks are late by a retransmission and block later data, but nothing is missing', async () => {
  const talker = await Talker.open();
  net.delay('balancer-1', 'master-1', { ms: 5, loss: 1 });
  const begun = performance.now();
  talker.ws.send('a');
  await until('it is back', () => talker.heard.length === 1);
  const took = performance.now() - begun;
  assert.ok(took >= 2 * (5 + 205), `${took} ms`);
  net.heal();
  net.delay('balancer-1', 'master-1', { ms: 1, loss: 0.4 });
  const times: number[] = [];
  for (let at = 0; at < 12; at += 1) {
    const sent = performance.now();
    await talker.echo(`${at}`);
    times.push(performance.now() - sent);
  }
  const slow = times.filter((ms) => ms >= 200).length;
  assert.ok(slow > 2 && slow < 12, `${slow} of 12 were lost on the way there or back`);
});

test('dropped after a number of whole frames, counted both ways', async () => {
  const talker = await Talker.open('master-2');
  const other = await Talker.open();
  await talker.echo('before');
  net.dropAfter('master-2', 'master-1', 5);
  // Together, so that one chunk carries several; the second one is long enough for a longer header.
  for (const text of ['1', '2'.repeat(300), '3', '4', '5', '6']) talker.ws.send(text);
  await until('it is dropped', () => talker.closed);
  assert.equal(received.length - 1 + talker.heard.length - 1, 5);
  assert.deepEqual(
    received.slice(1).map((text) => text[0]),
    ['1', '2', '3', '4', '5'].slice(0, received.length - 1),
  );
  assert.deepEqual(net.faults, [], 'it ends when all are dropped');
  await other.echo('untouched');
  const next = await Talker.open('master-2');
  await next.echo('a new one is not affected');
  // One at a time: there and back, there and back.
  net.dropAfter('master-1', 'master-2', 4);
  await next.echo('a');
  assert.equal(next.closed, undefined);
  await next.echo('b');
  await until('it is dropped', () => next.closed);
});

test('without a connection, the next one is dropped; after healing, it is not', async () => {
  net.dropAfter('master-2', 'master-1', 1);
  const next = await Talker.open('master-2');
  next.ws.send('1');
  await until('it is dropped', () => next.closed);
  assert.deepEqual(received, ['1']);
  net.dropAfter('master-2', 'master-1', 1);
  net.heal('master-2');
  await (await Talker.open('master-2')).echo('2');
});

test('in other connections than WebSockets, chunks are counted', async () => {
  net.dropAfter('master-2', 'master-1', 1);
  assert.equal(await ask('/once', 'master-2'), 'ECONNRESET');
  await until('the request has arrived, its answer has not', () => received.includes('/once'));
  net.dropAfter('master-2', 'master-1', 3);
  assert.equal(await ask('/twice', 'master-2'), 200);
});

test('callers of a dead node are refused, as without the net, and reach it after its restart', async () => {
  const { port } = node.address() as AddressInfo;
  const talker = await Talker.open('master-2');
  node.closeAllConnections();
  for (const ws of sockets.clients) ws.terminate();
  node.close();
  await until('its connections are closed', () => talker.closed);
  assert.equal(await ask('/gone'), 'ECONNRESET');
  assert.equal(await ask('/gone'), 'ECONNREFUSED');
  node.listen(port, '127.0.0.1');
  await once(node, 'listening');
  await until('it is reachable', async () => (await ask('/back')) === 200);
});

test('faults name ends that exist', () => {
  assert.throws(() => net.cut('master-1', 'master-9'), /no node master-9/);
  net.cut('clients', 'balancer-1');
  net.stall('master-1', 'master-2', 'there');
  net.delay('master-1', 'master-2', { ms: 1 });
  assert.equal(net.faults.length, 3);
  net.heal('clients');
  assert.deepEqual(
    net.faults.map(({ kind }) => kind),
    ['stall', 'delay'],
  );
  net.heal();
  assert.deepEqual(net.faults, []);
});

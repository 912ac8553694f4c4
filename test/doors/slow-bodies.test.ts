import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SLOW_REQUESTS } from '../../src/server/shared/slow-requests.ts';
import { basic, type DoorProcess, DoorProcesses, memoryOf, SECRET } from '../fixtures/doors/processes.ts';
import { rawSocket } from '../fixtures/doors/raw-http.ts';
import { until } from '../fixtures/until.ts';

/** An attacker sends as slowly as possible, or begins many requests and completes none. */

const processes = new DoorProcesses();
let master: DoorProcess;
let balancer: DoorProcess;
before(async () => {
  master = await processes.master('master-1');
  balancer = await processes.balancer('balancer-1', master);
});
after(() => processes.close());

const HEAD =
  'POST /openvidu/api/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n' +
  `authorization: ${basic(SECRET)}\r\n`;
const BOUND_MS = SLOW_REQUESTS.requestTimeout + SLOW_REQUESTS.connectionsCheckingInterval + 3_000;

/** Sends `start`, and then `more` every second. Returns the status, and how long the connection was open. */
async function drip(base: string, start: string, more: string): Promise<{ status: number; openMs: number }> {
  const socket = await rawSocket(base);
  const from = performance.now();
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  socket.write(start);
  const timer = setInterval(() => socket.write(more), 1_000);
  try {
    await once(socket, 'close', { signal: AbortSignal.timeout(BOUND_MS + 5_000) });
  } finally {
    clearInterval(timer);
    socket.destroy();
  }
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), openMs: performance.now() - from };
}

describe('slow requests', { concurrency: true, timeout: 60_000 }, () => {
  for (const [name, start, more] of [
    ['a body with a length', `${HEAD}content-length: 1000\r\n\r\n{`, ' '],
    ['a body in one chunk', `${HEAD}transfer-encoding: chunked\r\n\r\nffff\r\n{`, ' '],
    ['a body in many chunks', `${HEAD}transfer-encoding: chunked\r\n\r\n1\r\n{\r\n`, '1\r\n \r\n'],
    ['a header', `${HEAD}x-pad: `, 'x'],
    ['many headers', HEAD, 'x-pad: x\r\n'],
    ['nothing at all', '', ''],
  ] as const) {
    for (const where of ['master', 'balancer'] as const) {
      it(`${name}, byte by byte, at the ${where}: cut with 408`, async () => {
        const { status, openMs } = await drip((where === 'master' ? master : balancer).url, start, more);
        assert.equal(status, 408);
        assert.ok(openMs < BOUND_MS, `open for ${openMs} ms`);
      });
    }
  }

  it('leaves long answers and sockets alone', async () => {
    const server = createServer(SLOW_REQUESTS, (_request, response) => void response.writeHead(200).write('x'));
    const upgraded: Socket[] = [];
    server.on('upgrade', (_request, socket: Socket) => {
      upgraded.push(socket);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const [stream, socket] = await Promise.all([rawSocket(base), rawSocket(base)]);
    stream.write('GET /internal/live HTTP/1.1\r\nhost: x\r\n\r\n');
    socket.write('GET /rejoin HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    await Promise.all([once(stream, 'data'), once(socket, 'data')]);
    await delay(BOUND_MS);
    assert.deepEqual([stream.destroyed, socket.destroyed, upgraded[0]?.destroyed], [false, false, false]);
    for (const one of [stream, socket]) one.destroy();
    server.closeAllConnections();
    server.close();
  });

  it('many incomplete bodies: the balancer keeps little for one address, and serves another', async () => {
    const before = memoryOf(balancer);
    const part = 'x'.repeat(900_000);
    const sockets = await Promise.all(Array.from({ length: 120 }, () => rawSocket(balancer.url)));
    let refused = 0;
    for (const socket of sockets) {
      socket.once('data', (chunk) => {
        if (/^HTTP\/1\.1 503 .*This address/s.test(String(chunk))) refused += 1;
      });
      socket.write(`${HEAD}x-forwarded-for: 203.0.113.5\r\ncontent-length: 1000000\r\n\r\n${part}`);
    }
    // 16 MB hold 18 of them.
    await until('most are refused', () => refused >= 90, 8_000);
    assert.ok(memoryOf(balancer) - before < 100_000_000, `${memoryOf(balancer) - before} bytes more`);
    const other = await fetch(`${balancer.url}/openvidu/api/sessions`, {
      method: 'POST',
      headers: { authorization: basic(SECRET), 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.6' },
      body: '{}',
    });
    assert.equal(other.status, 200);
    for (const socket of sockets) socket.destroy();
  });
});

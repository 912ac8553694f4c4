import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { LIMITS } from '../../src/protocol/limits.ts';
import { NEWCOMER_LIMITS } from '../../src/server/master/edge/newcomers.ts';
import { type DoorProcess, DoorProcesses, memoryOf } from '../fixtures/doors/processes.ts';
import { type RawAnswer, rawRequest, rawSocket } from '../fixtures/doors/raw-http.ts';
import { until } from '../fixtures/until.ts';

/** Abuse of sockets before their hello. */

const PAGE = 'https://app.example.org';
const UPGRADE = {
  connection: 'upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

const processes = new DoorProcesses();
let master: DoorProcess;
before(async () => {
  master = await processes.master('master-1', { REJOIN_ALLOWED_ORIGINS: PAGE });
});
after(() => processes.close());

/** Requests a socket from `address`; an accepted connection stays open. */
async function open(address: string, more: Record<string, string> = {}): Promise<{ socket: Socket; status: number }> {
  const socket = await rawSocket(master.url);
  const all = { host: 'x', ...UPGRADE, 'x-forwarded-for': address, ...more };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET /rejoin HTTP/1.1\r\n${lines.join('')}\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  return { socket, status: Number(/^HTTP\/1\.1 (\d{3})/.exec(String(head))?.[1]) };
}

/** The beginning of a text frame of `bytes`, with a mask of zeros and the first `sent` bytes. */
function halfFrame(bytes: number, sent: number): Buffer {
  const head = Buffer.alloc(14);
  head[0] = 0x81;
  head[1] = 0xff;
  head.writeBigUInt64BE(BigInt(bytes), 2);
  return Buffer.concat([head, Buffer.alloc(sent, 0x20)]);
}

function refusal(headers: Record<string, string>, target = '/rejoin'): Promise<RawAnswer> {
  return rawRequest(master.url, { target, headers: { ...UPGRADE, ...headers } });
}

describe('sockets before hello', { timeout: 120_000 }, () => {
  it('300 half-sent frames take little memory, whatever their announced size', async () => {
    for (const [bytes, sent] of [
      [1024 * 1024, 1_000_000],
      [LIMITS.frameBytes, LIMITS.frameBytes - 100],
    ] as const) {
      const before = memoryOf(master);
      const opened = await Promise.all(Array.from({ length: 300 }, () => open('203.0.113.1')));
      for (const { socket } of opened) socket.resume().write(halfFrame(bytes, sent));
      const most = await peak(3_000);
      assert.ok(most - before < 80_000_000, `${most - before} bytes more for frames of ${bytes}`);
      for (const { socket } of opened) socket.destroy();
    }
  });

  /** The master's highest memory within some time. */
  async function peak(withinMs: number): Promise<number> {
    let most = 0;
    const from = performance.now();
    await until('the time is over', () => {
      most = Math.max(most, memoryOf(master));
      return performance.now() - from > withinMs;
    });
    return most;
  }

  it('a frame far over the limit is cut, a frame slightly over it gets a named error', async () => {
    const far = await open('203.0.113.2');
    const closed = once(far.socket.resume(), 'close', { signal: AbortSignal.timeout(8_000) });
    far.socket.write(halfFrame(10_000_000, 1_000));
    await closed;
    const ws = new WebSocket(`${master.url.replace('http', 'ws')}/rejoin`);
    await once(ws, 'open');
    ws.send(JSON.stringify({ t: 'ping', pad: 'x'.repeat(LIMITS.frameBytes) }));
    const [[message], [code]] = await Promise.all([once(ws, 'message'), once(ws, 'close')]);
    assert.match(String(message), /FRAME_TOO_LARGE/);
    assert.equal(code, 4413);
  });

  it('sockets of one address are limited until some say hello or close', async () => {
    const opened: { socket: Socket; status: number }[] = [];
    let refused: RawAnswer | undefined;
    while (opened.length < NEWCOMER_LIMITS.socketsEach + 500 && !refused) {
      const more = await Promise.all(Array.from({ length: 100 }, () => open('203.0.113.3')));
      opened.push(...more);
      if (more.some(({ status }) => status !== 101)) refused = await refusal({ 'x-forwarded-for': '203.0.113.3' });
    }
    assert.equal(refused?.status, 503);
    assert.equal(refused.headers['retry-after'], '1');
    // Other addresses are accepted.
    const other = await open('203.0.113.4');
    assert.equal(other.status, 101);
    for (const { socket } of [...opened, other]) socket.destroy();
    await until('there is room again', async () => {
      const { socket, status } = await open('203.0.113.3');
      socket.destroy();
      return status === 101;
    });
  });

  it('a client that sends no hello and does not close on request is cut', async () => {
    const { socket } = await open('203.0.113.5');
    // It reads, but answers nothing.
    socket.resume();
    await once(socket, 'close', { signal: AbortSignal.timeout(LIMITS.helloMs + 6_000) });
    const violator = await open('203.0.113.5');
    violator.socket.resume().write(Buffer.concat([Buffer.from([0x81, 0x81, 0, 0, 0, 0]), Buffer.from('{')]));
    await once(violator.socket, 'close', { signal: AbortSignal.timeout(6_000) });
  });

  it('pages of other origins get no socket', async () => {
    for (const origin of ['https://evil.example', 'null', `${PAGE}.evil.example`, 'http://app.example.org']) {
      assert.equal((await refusal({ origin })).status, 403, origin);
    }
    for (const headers of [{ origin: PAGE }, {}]) {
      const { socket, status } = await open('203.0.113.6', headers);
      assert.equal(status, 101);
      socket.destroy();
    }
  });

  it('targets are taken literally', async () => {
    for (const target of ['/x/../rejoin', '/rejoin%2f', 'http://x/rejoin', '//rejoin', '/rejoin\\']) {
      assert.equal((await refusal({}, target)).status, 400, target);
    }
    for (const target of ['/', '/%72ejoin', '/internal/live']) assert.equal((await refusal({}, target)).status, 404);
  });

  it("trusted proxies determine a client's address, and floods fill no log", async () => {
    const before = master.logBytes();
    const lines = (): readonly Record<string, unknown>[] =>
      master.log().filter(({ msg }) => msg === 'Disconnecting a client that breaks the protocol.');
    const violate = async (forwarded: string): Promise<void> => {
      const { socket } = await open(forwarded);
      socket.resume().write(Buffer.concat([Buffer.from([0x81, 0x81, 0, 0, 0, 0]), Buffer.from('{')]));
    };
    const seen = new Set(lines());
    await violate('198.51.100.1, 203.0.113.20');
    await violate('<script>, 127.0.0.1');
    const fresh = await until('both are logged', () => {
      const found = lines().slice(seen.size);
      return found.length >= 2 && found;
    });
    assert.deepEqual(
      fresh.map(({ ip }) => ip),
      ['203.0.113.20', '127.0.0.1'],
    );
    await Promise.all(Array.from({ length: 500 }, () => violate('203.0.113.21')));
    await until('they are counted', () => lines().some(({ leftOut }) => Number(leftOut) > 100));
    assert.ok(master.logBytes() - before < 20_000, `${master.logBytes() - before} bytes of log`);
    assert.ok(!JSON.stringify(lines()).includes('    at '));
  });
});

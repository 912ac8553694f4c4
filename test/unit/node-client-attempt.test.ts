import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type Attempt, attempt } from '../../src/node-client/attempt.ts';
import { REAL_CLOCK } from '../../src/node-client/clock.ts';
import { until } from '../fixtures/until.ts';

const means = { fetch: globalThis.fetch, clock: REAL_CLOCK };

/** One request through the real `fetch` to a real server with this behaviour. */
async function against(listener: RequestListener, limitMs = 5_000, signal?: AbortSignal): Promise<Attempt> {
  const server = createServer(listener);
  const url = await listening(server);
  try {
    return await attempt({ url, method: 'POST', headers: { 'x-test': 'yes' }, body: '{}' }, limitMs, means, signal);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('an answer contains the needed fields', async () => {
  const answered = await against((request, response) => {
    response.writeHead(503, { 'retry-after': '3' }).end(`${request.method} ${request.headers['x-test']}`);
  });
  assert.deepEqual(answered, {
    kind: 'answered',
    status: 503,
    retryAfter: '3',
    location: undefined,
    text: 'POST yes',
  });
});

test('a redirect is an answer and is not followed', async () => {
  const answered = await against((_request, response) => response.writeHead(302, { location: '/login' }).end());
  assert.deepEqual(
    [answered.kind, 'status' in answered && answered.status, 'location' in answered && answered.location],
    ['answered', 302, '/login'],
  );
});

test('a reset, a socket closed without an answer and a broken body count as lost', async () => {
  const ways: RequestListener[] = [
    (request) => request.socket.resetAndDestroy(),
    (request) => request.socket.destroy(),
    (_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('half', () => response.socket?.destroy());
    },
  ];
  for (const way of ways) {
    const lost = await against(way);
    assert.deepEqual([lost.kind, 'reason' in lost && lost.reason], ['failed', 'lost']);
  }
});

test('a port without a listener refuses, whichever address the name has', async () => {
  const server = createServer();
  const { port } = new URL(await listening(server));
  await new Promise((resolve) => server.close(resolve));
  for (const host of ['127.0.0.1', 'localhost']) {
    const request = { url: `http://${host}:${port}/`, method: 'GET', headers: {}, body: undefined };
    const refused = await attempt(request, 5_000, means, undefined);
    assert.deepEqual([refused.kind, 'reason' in refused && refused.reason], ['failed', 'refused'], host);
  }
});

test('an unknown host is not tried again', async () => {
  const request = { url: 'http://nowhere.invalid/', method: 'GET', headers: {}, body: undefined };
  const failed = await attempt(request, 5_000, means, undefined);
  assert.equal(failed.kind, 'failed');
  // Without any name server, the resolver reports a temporary failure.
  assert.ok('reason' in failed && ['impossible', 'refused'].includes(failed.reason), JSON.stringify(failed));
});

test('silence ends with the time limit of the attempt, and an abort at once', async () => {
  const late = await against(() => {}, 50);
  assert.deepEqual([late.kind, 'reason' in late && late.reason], ['failed', 'timeout']);
  const controller = new AbortController();
  let asked = false;
  const begun = performance.now();
  const going = against(
    () => {
      asked = true;
    },
    30_000,
    controller.signal,
  );
  await until('the request has arrived', () => asked);
  controller.abort();
  assert.equal((await going).kind, 'failed');
  assert.ok(performance.now() - begun < 10_000);
});

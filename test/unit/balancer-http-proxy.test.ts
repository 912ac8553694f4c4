import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, describe, it } from 'node:test';
import fastify, { type FastifyInstance } from 'fastify';
import type { GatewayErrorBody } from '../../src/server/balancer/gateway-error.ts';
import { HttpProxy, type HttpProxyOptions, type Route } from '../../src/server/balancer/http-proxy.ts';
import { TrustedProxies } from '../../src/server/shared/client-address.ts';
import { silentAddress } from '../fixtures/doors/silent-address.ts';
import { until } from '../fixtures/until.ts';

const opened: (Server | FastifyInstance | { close(): Promise<void> })[] = [];

after(async () => {
  for (const one of opened) {
    if ('closeAllConnections' in one) one.closeAllConnections();
    await one.close();
  }
});

/** A server behind the balancer; returns its origin. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  opened.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An origin without a listener. */
async function refusing(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

interface Given extends Partial<Pick<HttpProxyOptions, 'proxies' | 'corsOrigins'>> {
  readonly lifeOf?: (url: string) => AbortSignal;
}

interface Proxy {
  readonly url: string;
  readonly suspects: string[];
  readonly answered: number[];
  readonly proxy: HttpProxy;
}

async function proxyTo(
  masters: readonly string[],
  routes: readonly Route[] = [],
  requestMs = 2_000,
  { lifeOf = () => new AbortController().signal, proxies = new TrustedProxies(), corsOrigins = [] }: Given = {},
): Promise<Proxy> {
  const suspects: string[] = [];
  const answered: number[] = [];
  const proxy = new HttpProxy({
    pool: { rotation: () => [...masters], suspect: (url) => void suspects.push(url), lifeOf },
    routes,
    requestMs,
    proxies,
    corsOrigins,
    answered: (status) => void answered.push(status),
  });
  const app = fastify();
  opened.push(app);
  await proxy.register(app);
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), suspects, answered, proxy };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** Returns the request as JSON. */
const mirror = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { method, url, headers } = request;
  response.setHeader('x-mirror', 'yes');
  response.end(JSON.stringify({ method, url, headers, body: await textOf(request) }));
};

interface Mirrored {
  readonly method: string;
  readonly url: string;
  readonly headers: {
    readonly authorization?: string;
    readonly te?: string;
    readonly [name: `${string}-${string}`]: string;
  };
  readonly body: string;
}

async function mirrored(url: string, init: RequestInit = {}): Promise<Mirrored> {
  const answer = await fetch(url, init);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-mirror'), 'yes');
  return (await answer.json()) as Mirrored;
}

describe('HttpProxy', { timeout: 20_000 }, () => {
  it("forwards a request unchanged, with the client's address", async () => {
    const { url } = await proxyTo([await serve(mirror)]);
    const body = '{ "odd":   "spacing", "x": 1 }';
    const headers = { 'content-type': 'application/json; charset=utf-8', authorization: 'Basic abc', te: 'trailers' };
    const seen = await mirrored(`${url}/openvidu/api/sessions?a=b%20c`, { method: 'POST', headers, body });
    assert.equal(seen.method, 'POST');
    assert.equal(seen.url, '/openvidu/api/sessions?a=b%20c');
    assert.equal(seen.body, body);
    assert.equal(seen.headers['content-type'], 'application/json; charset=utf-8');
    assert.equal(seen.headers.authorization, 'Basic abc');
    assert.equal(seen.headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(seen.headers['x-forwarded-proto'], 'http');
    assert.equal(seen.headers['x-forwarded-host'], new URL(url).host);
    assert.equal(seen.headers.te, undefined);
  });

  it('appends itself to the proxies before it', async () => {
    const { url } = await proxyTo([await serve(mirror)]);
    const headers = { 'x-forwarded-for': '10.1.2.3', 'x-forwarded-proto': 'https' };
    const seen = await mirrored(`${url}/openvidu/api/x`, { headers });
    assert.equal(seen.headers['x-forwarded-for'], '10.1.2.3, 127.0.0.1');
    assert.equal(seen.headers['x-forwarded-proto'], 'https');
  });

  it("accepts a client's address only from trusted proxies", async () => {
    const { url } = await proxyTo([await serve(mirror)], [], 2_000, { proxies: new TrustedProxies([]) });
    const headers = {
      'x-forwarded-for': '10.1.2.3',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example',
      forwarded: 'for=10.1.2.3',
      'x-rejoin-hop': '1',
    };
    const seen = await mirrored(`${url}/openvidu/api/x`, { headers });
    assert.equal(seen.headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(seen.headers['x-forwarded-proto'], 'http');
    assert.equal(seen.headers['x-forwarded-host'], new URL(url).host);
    assert.ok(!('forwarded' in seen.headers));
    assert.equal(seen.headers['x-rejoin-hop'], undefined);
  });

  it('does not wait for a master that dies while it has the request', async () => {
    const life = new AbortController();
    let asked = 0;
    const frozen = await serve(() => {
      asked += 1;
    });
    const lifeOf = (url: string): AbortSignal => (url === frozen ? life.signal : new AbortController().signal);
    const { url } = await proxyTo([frozen, await serve(mirror)], [], 30_000, { lifeOf });
    const answers = [fetch(`${url}/openvidu/api/x`), fetch(`${url}/openvidu/api/x`, { method: 'POST', body: '{}' })];
    await until('both are at the frozen master', () => asked === 2);
    life.abort('timeout');
    assert.deepEqual(
      (await Promise.all(answers)).map(({ status }) => status),
      [200, 504],
    );
  });

  it('tries the next master soon when a host does not answer', async () => {
    const silent = await silentAddress();
    opened.push({ close: async () => silent.close() });
    const { url, suspects } = await proxyTo([silent.url, await serve(mirror)], [], 30_000);
    const from = performance.now();
    const seen = await mirrored(`${url}/openvidu/api/x`, { method: 'POST', body: 'hello' });
    assert.equal(seen.body, 'hello');
    assert.deepEqual(suspects, [silent.url]);
    assert.ok(performance.now() - from < 2_500, `${performance.now() - from} ms`);
  });

  it('lets only pages of listed origins read its own errors', async () => {
    const { url } = await proxyTo([], [], 2_000, { corsOrigins: ['https://app.example.org'] });
    const allowed = await fetch(`${url}/openvidu/api/x`, { headers: { origin: 'https://app.example.org' } });
    assert.equal(allowed.status, 503);
    assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://app.example.org');
    const other = await fetch(`${url}/openvidu/api/x`, { headers: { origin: 'https://evil.example' } });
    assert.equal(other.headers.get('access-control-allow-origin'), null);
  });

  it('refuses a body that is too large, and forwards none of it', async () => {
    let asked = 0;
    const { url } = await proxyTo([
      await serve((_request, response) => {
        asked += 1;
        response.end();
      }),
    ]);
    const body = 'x'.repeat(1024 * 1024 + 1);
    const chunked = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(body));
        controller.close();
      },
    });
    assert.equal((await fetch(`${url}/openvidu/api/x`, { method: 'POST', body })).status, 413);
    const init = { method: 'POST', body: chunked, duplex: 'half' } as RequestInit;
    assert.equal((await fetch(`${url}/openvidu/api/x`, init)).status, 413);
    assert.equal(asked, 0);
  });

  it('forwards requests without a body, with an empty one, and with one that is not JSON', async () => {
    const { url } = await proxyTo([await serve(mirror)]);
    const json = { 'content-type': 'application/json' };
    assert.equal((await mirrored(`${url}/openvidu/api/x`, { method: 'DELETE' })).body, '');
    assert.equal((await mirrored(`${url}/openvidu/api/x`, { method: 'DELETE', headers: json })).body, '');
    assert.equal((await mirrored(`${url}/openvidu/api/x`, { method: 'POST', body: '', headers: json })).body, '');
    const broken = await mirrored(`${url}/openvidu/api/x`, { method: 'PATCH', body: '{not json', headers: json });
    assert.equal(broken.body, '{not json');
  });

  it('forwards statuses, and does not repeat answered requests', async () => {
    let asked = 0;
    const busy = await serve((_request, response) => {
      asked += 1;
      response.writeHead(503, { 'retry-after': '7', 'content-type': 'application/json' }).end('{"own":true}');
    });
    const { url, answered } = await proxyTo([busy, await serve(mirror)]);
    const answer = await fetch(`${url}/openvidu/api/x`);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '7');
    assert.deepEqual(await answer.json(), { own: true });
    assert.equal(asked, 1);
    assert.deepEqual(answered, [503]);
    const empty = await proxyTo([await serve((_request, response) => response.writeHead(409).end())]);
    const conflict = await fetch(`${empty.url}/openvidu/api/x`, { method: 'POST', body: 'x' });
    assert.deepEqual([conflict.status, await conflict.text()], [409, '']);
  });

  it('tries the next master when one refuses, with the whole body', async () => {
    const gone = await refusing();
    const { url, suspects } = await proxyTo([gone, await serve(mirror)]);
    const seen = await mirrored(`${url}/openvidu/api/x`, { method: 'POST', body: 'hello' });
    assert.equal(seen.body, 'hello');
    assert.deepEqual(suspects, [gone]);
  });

  it('answers 503 when no master is available', async () => {
    for (const masters of [[], [await refusing(), await refusing()]]) {
      const { url } = await proxyTo(masters);
      const answer = await fetch(`${url}/openvidu/api/sessions?x=1`, { method: 'POST', body: '{}' });
      assert.equal(answer.status, 503);
      assert.equal(answer.headers.get('retry-after'), '1');
      const body = (await answer.json()) as GatewayErrorBody;
      assert.deepEqual(Object.keys(body), ['timestamp', 'status', 'error', 'message', 'path']);
      assert.deepEqual([body.status, body.error, body.path], [503, 'Service Unavailable', '/openvidu/api/sessions']);
    }
  });

  it('answers 502 when a master aborts a request that it may have executed', async () => {
    let other = 0;
    const breaking = await serve((request) => request.socket.destroy());
    const healthy = await serve((_request, response) => {
      other += 1;
      response.end('ok');
    });
    const { url, suspects } = await proxyTo([breaking, healthy]);
    const answer = await fetch(`${url}/openvidu/api/x`, { method: 'POST', body: '{}' });
    assert.equal(answer.status, 502);
    assert.equal(other, 0);
    assert.deepEqual(suspects, [breaking]);
    // Reading does no harm, so it may be repeated.
    assert.equal(await (await fetch(`${url}/openvidu/api/x`)).text(), 'ok');
  });

  it('repeats an aborted goodbye at the next master, because a closing page cannot', async () => {
    const breaks = await serve(({ socket }) => socket.destroy());
    const { url, suspects } = await proxyTo([await refusing(), breaks, await serve(mirror)]);
    const seen = await mirrored(`${url}/rejoin`, { method: 'POST', body: 'goodbye' });
    assert.equal(seen.body, 'goodbye');
    assert.equal(suspects.length, 2);
    assert.equal((await fetch(`${url}/rejoin`)).status, 404);
  });

  it('answers 502, not half an answer, when a master dies in the middle of one', async () => {
    const dying = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/x-half', 'content-length': '1000', 'x-own': '1' });
      response.write('{"half":');
      setImmediate(() => response.destroy());
    });
    const { url, answered } = await proxyTo([dying]);
    const answer = await fetch(`${url}/openvidu/api/x`, { method: 'POST', body: '{}' });
    assert.equal(answer.status, 502);
    assert.equal(((await answer.json()) as { error: string }).error, 'Bad Gateway');
    assert.equal(answer.headers.get('x-own'), null);
    assert.deepEqual(answered, [502]);
  });

  it('answers 504 when a master is silent for too long', async () => {
    const silent = await serve(() => {});
    const { url } = await proxyTo([silent, await serve(mirror)], [], 200);
    for (const init of [{ method: 'POST', body: '{}' }, {}]) {
      const answer = await fetch(`${url}/openvidu/api/x`, init);
      assert.equal(answer.status, 504);
    }
  });

  it('forwards only the REST API and the routes', async () => {
    const { url } = await proxyTo([await serve(mirror)], [{ prefix: '/own/api', url: await serve(mirror) }]);
    for (const path of [
      '/internal/ping',
      '/',
      '/metrics',
      '/openvidu/apiX/y',
      '/openvidu',
      '/openvidu/x',
      '/%6fpenvidu/api/x',
      '/own/apiX',
      '/own',
    ]) {
      assert.equal((await fetch(url + path)).status, 404, path);
    }
    assert.equal((await mirrored(`${url}/own/api`)).url, '/own/api');
    assert.equal((await mirrored(`${url}/own/api/deep?q=1`)).url, '/own/api/deep?q=1');
  });

  it('does not let a path leave the REST API', async () => {
    const { url } = await proxyTo([await serve(mirror)]);
    const { hostname, port } = new URL(url);
    for (const path of [
      '/openvidu/../internal/ping',
      '/openvidu/%2e%2e/internal/ping',
      '/openvidu/..%2finternal/ping',
    ]) {
      const socket = connect(Number(port), hostname);
      socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      const [head = ''] = (await textOf(socket as unknown as IncomingMessage)).split('\r\n', 1);
      assert.match(head, /^HTTP\/1\.1 (400|404) /, path);
    }
  });

  it('streams a route, even with long silences, and ends it with its client', async () => {
    const gone = Promise.withResolvers<void>();
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      setTimeout(() => response.write('data: 2\n\n'), 1_500);
      response.on('close', gone.resolve);
    });
    const { url } = await proxyTo([], [{ prefix: '/events', url: server }], 200);
    const abort = new AbortController();
    const answer = await fetch(`${url}/events/all`, { signal: abort.signal });
    const parts: string[] = [];
    for await (const part of answer.body ?? []) {
      if (parts.push(String(Buffer.from(part as Uint8Array))) === 2) break;
    }
    assert.deepEqual(parts, ['data: 1\n\n', 'data: 2\n\n']);
    abort.abort();
    await gone.promise;
  });

  it('ends open streams when it is closed', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
    });
    const { url, proxy } = await proxyTo([], [{ prefix: '/events', url: server }]);
    const answer = await fetch(`${url}/events`);
    proxy.close();
    await assert.rejects(answer.text());
  });
});

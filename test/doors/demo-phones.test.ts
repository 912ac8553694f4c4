import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { demoFiles } from '../../src/server/dev/demo-page.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { PAGE_KEY_HEADER, pageKey } from '../fixtures/dev/demo-api.ts';
import { type RawAnswer, type RawRequest, rawRequest, rawSocket } from '../fixtures/doors/raw-http.ts';

/** An attacker in the same network tries what the demo with `--lan` opens for phones. */

const TOKEN = '/demo/api/token';
const KILL = '/demo/api/nodes/master-1/kill';
const KEY = '/demo/api/page-key';
const EVIL = 'https://evil.example:8443';

let running: RunningCluster;
/** The origin of the page for phones, and of this machine's own page. */
let page = '';
let own = '';
let guide = '';
let ca = '';

before(async () => {
  // An address that every machine has.
  const lan = { addresses: ['127.0.0.2'], port: 0 };
  running = await RunningCluster.start({ lan, directories: demoFiles('dist') });
  const urls = running.cluster.lan;
  page = urls?.pages[0] ?? '';
  guide = urls?.guides[0] ?? '';
  own = running.url;
  const [, authority = ''] = readFileSync(join(running.cluster.stateDir, 'lan.crt'), 'utf8').split(/(?<=END CERT.*\n)/);
  ca = authority;
});
after(() => running.stop());

function ask(request: RawRequest): Promise<RawAnswer> {
  return rawRequest(page, { ...request, ca });
}

function post(target: string, body: object, headers: Record<string, string>): Promise<RawAnswer> {
  return ask({
    method: 'POST',
    target,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

function errorOf({ status, body }: RawAnswer): unknown[] {
  return [status, (JSON.parse(body) as { error?: unknown }).error];
}

async function phoneKey(): Promise<string> {
  const answer = await post(KEY, {}, { origin: page });
  assert.equal(answer.status, 200, answer.body);
  return (JSON.parse(answer.body) as { key: string }).key;
}

/** The status of a WebSocket upgrade, which is then abandoned at once. */
async function upgrade(origin: string): Promise<number> {
  const headers = {
    origin,
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  };
  const socket = await rawSocket(page, ca);
  const lines = Object.entries({ host: new URL(page).host, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.write(`GET /rejoin HTTP/1.1\r\n${lines.join('')}\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer.toString('latin1'))?.[1]);
}

describe('the demo for phones', () => {
  it('lets a phone join, over the address that it used', async () => {
    const headers = { origin: page, [PAGE_KEY_HEADER]: await phoneKey() };
    const answer = await post(TOKEN, { room: 'door' }, headers);
    const { token } = JSON.parse(answer.body) as { token: string };
    assert.match(token, /^wss:\/\/127\.0\.0\.2:\d+\/?\?sessionId=door&token=tok_/);
    assert.equal(new URL(token).host, new URL(page).host);
    assert.equal(await upgrade(page), 101);
    assert.equal(await upgrade(own), 101);
    assert.equal(await upgrade(own.replace('localhost', '127.0.0.1')), 101);
  });

  it('lets no phone end a node or moderate, whichever keys it knows', async () => {
    const { pid } = running.node('master-1');
    const headers = { origin: page, [PAGE_KEY_HEADER]: await phoneKey() };
    assert.deepEqual(errorOf(await post(KILL, {}, headers)), [403, 'GuestRefused']);
    assert.deepEqual(errorOf(await post(KILL, { signal: 'SIGTERM' }, headers)), [403, 'GuestRefused']);
    assert.deepEqual(errorOf(await post(TOKEN, { room: 'door', role: 'MODERATOR' }, headers)), [403, 'GuestRefused']);
    // The key of each page works only for that page.
    const ownKey = await pageKey(own);
    assert.deepEqual(errorOf(await post(KILL, {}, { origin: page, [PAGE_KEY_HEADER]: ownKey })), [
      403,
      'PageKeyInvalid',
    ]);
    const atOwn = await rawRequest(own.replace('localhost', '127.0.0.1'), {
      method: 'POST',
      target: KILL,
      headers: { ...headers, host: new URL(own).host, origin: own, 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(atOwn.status, 403);
    assert.equal(running.node('master-1').pid, pid);
  });

  it('refuses other names, addresses and pages than its own', async () => {
    const { port } = new URL(page);
    const key = await phoneKey();
    for (const foreign of [
      { host: `evil.example:${port}`, origin: EVIL },
      { host: `localhost:${port}`, origin: `https://localhost:${port}` },
      { host: `127.0.0.1:${port}`, origin: `https://127.0.0.1:${port}` },
      { host: `203.0.113.9:${port}`, origin: `https://203.0.113.9:${port}` },
      { host: '127.0.0.2', origin: 'https://127.0.0.2' },
      { origin: EVIL },
      { origin: own },
      { origin: 'null' },
      { origin: page, 'sec-fetch-site': 'cross-site' },
    ]) {
      for (const target of [TOKEN, KILL, KEY]) {
        const answer = await post(target, { room: 'door' }, { [PAGE_KEY_HEADER]: key, ...foreign });
        assert.deepEqual(errorOf(answer), [403, 'NotSameOrigin'], `${target} ${JSON.stringify(foreign)}`);
      }
    }
    assert.deepEqual(errorOf(await post(TOKEN, { room: 'door' }, { origin: page })), [403, 'PageKeyInvalid']);
    assert.equal(await upgrade(EVIL), 403);
    assert.equal(await upgrade('null'), 403);
  });

  it('ignores the address that a phone claims', async () => {
    const forged = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http', 'x-rejoin-caller': 'master-1' };
    const answer = await ask({ target: '/openvidu/api/sessions', headers: forged });
    assert.equal(answer.status, 401);
    assert.equal((await ask({ target: '/metrics' })).status, 404);
    assert.equal((await ask({ target: '/internal/live' })).status, 404);
  });

  it('serves the page with a policy that allows sockets only at these addresses', async () => {
    const { status, headers } = await ask({ target: '/' });
    assert.equal(status, 200);
    const [, sources = ''] = /connect-src ([^;]*)/.exec(headers['content-security-policy'] ?? '') ?? [];
    assert.ok(sources.includes(page.replace('https', 'wss')), sources);
    assert.ok(!sources.includes('localhost') && !sources.includes('127.0.0.1'), sources);
  });

  it('explains the certificate only under its own names, and serves nothing else without TLS', async () => {
    const { host, port } = new URL(guide);
    const home = await rawRequest(guide, { target: '/' });
    assert.equal(home.status, 200);
    assert.match(home.headers['content-security-policy'] ?? '', /default-src 'none'/);
    assert.ok(home.body.includes(`href="${page}/"`));
    assert.equal((await rawRequest(guide, { target: '/authority.crt' })).body.includes('PRIVATE KEY'), false);
    for (const name of [`evil.example:${port}`, `127.0.0.1:${port}`, 'x"onload="', `${host}.evil.example`, '']) {
      assert.equal((await rawRequest(guide, { target: '/', headers: { host: name } })).status, 403, name);
    }
    assert.equal((await rawRequest(guide, { target: '/', method: 'POST' })).status, 405);
    for (const target of ['/lan.key', '/../lan.key', '//', '/%2e%2e/lan.key', '/__proto__', 'http://127.0.0.2/', '*']) {
      assert.equal((await rawRequest(guide, { target })).status, 404, target);
    }
  });
});

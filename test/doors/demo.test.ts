import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { PAGE_KEY_HEADER, pageKey } from '../fixtures/dev/demo-api.ts';
import { type RawAnswer, type RawRequest, rawRequest } from '../fixtures/doors/raw-http.ts';

/** A page of another site, in the browser of the demo's user, attacks the demo's own server. */

const TOKEN = '/demo/api/token';
const KILL = '/demo/api/nodes/master-1/kill';
const FEED = '/demo/api/cluster?room=door';
const KEY = '/demo/api/page-key';
const EVIL = 'http://evil.example:8080';

let running: RunningCluster;
let base = '';
let own = '';

before(async () => {
  running = await RunningCluster.start();
  base = running.url.replace('localhost', '127.0.0.1');
  own = new URL(running.url).host;
});
after(() => running.stop());

function errorOf({ body }: RawAnswer): unknown {
  return (JSON.parse(body) as { error: unknown }).error;
}

/** A JSON call as a script makes it. */
function call(target: string, headers: Record<string, string>): RawRequest {
  const json = { host: own, 'content-type': 'application/json', ...headers };
  return target === FEED
    ? { target, headers: json }
    : { method: 'POST', target, headers: json, body: JSON.stringify(target === TOKEN ? { room: 'door' } : {}) };
}

/** Uses the right key, so that only the tested property causes the refusal. */
async function refused(target: string, headers: Record<string, string>, name: string): Promise<void> {
  const pid = running.node('master-1').pid;
  const answer = await rawRequest(base, call(target, headers));
  assert.deepEqual([answer.status, errorOf(answer)], [403, name], `${target} ${JSON.stringify(headers)}`);
  assert.equal(answer.headers['access-control-allow-origin'], undefined);
  assert.equal(running.node('master-1').pid, pid);
}

describe('the demo server', () => {
  it('refuses a page of another site, even with the key', async () => {
    const key = await pageKey(running.url);
    for (const target of [TOKEN, KILL, FEED, KEY]) {
      for (const foreign of [
        { origin: EVIL },
        { origin: 'null' },
        { origin: `http://${own}`, 'sec-fetch-site': 'cross-site' },
        { origin: `http://${own}`, 'sec-fetch-site': 'same-site' },
        { origin: 'http://localhost:1', 'sec-fetch-site': 'same-origin' },
      ]) {
        await refused(target, { [PAGE_KEY_HEADER]: key, ...foreign }, 'NotSameOrigin');
      }
    }
  });

  it('refuses a foreign name that points to this machine', async () => {
    const key = await pageKey(running.url);
    for (const target of [TOKEN, KILL, FEED, KEY]) {
      for (const rebound of [
        { host: 'evil.example:8080', origin: EVIL },
        { host: 'evil.example:8080' },
        { host: 'evil.example:8080', 'sec-fetch-site': 'same-origin' },
        { host: 'evil.example:8080', origin: EVIL, 'x-forwarded-host': own },
        { host: `localhost.evil.example`, origin: 'http://localhost.evil.example' },
      ]) {
        await refused(target, { [PAGE_KEY_HEADER]: key, ...rebound }, 'NotSameOrigin');
      }
    }
  });

  it('refuses a page without the key of this run', async () => {
    for (const target of [TOKEN, KILL, FEED]) {
      const page = { origin: `http://${own}`, 'sec-fetch-site': 'same-origin' };
      await refused(target, page, 'PageKeyInvalid');
      await refused(target, { ...page, [PAGE_KEY_HEADER]: '' }, 'PageKeyInvalid');
      await refused(target, { ...page, [PAGE_KEY_HEADER]: 'A'.repeat(22) }, 'PageKeyInvalid');
      await refused(target, { ...page, cookie: `${PAGE_KEY_HEADER}=x` }, 'PageKeyInvalid');
    }
  });

  it("gives no key to a request without the browser's headers about its origin", async () => {
    await refused(KEY, {}, 'NotSameOrigin');
    const get = await rawRequest(base, { target: KEY, headers: { host: own, 'sec-fetch-site': 'same-origin' } });
    assert.deepEqual([get.status, errorOf(get)], [403, 'PageKeyInvalid']);
    const key = await pageKey(running.url);
    assert.match(key, /^[\w-]{22}$/);
    assert.equal(await pageKey(running.url), key);
  });

  it("refuses a form of another site, and its script's preflight", async () => {
    const form = { host: own, origin: EVIL, 'content-type': 'text/plain', 'sec-fetch-site': 'cross-site' };
    for (const [target, body] of [
      [TOKEN, '{"room":"door","x":"="}'],
      [KILL, '{"signal":"SIGKILL","x":"="}'],
      [KEY, 'x='],
    ] as const) {
      const answer = await rawRequest(base, { method: 'POST', target, headers: form, body });
      assert.deepEqual([answer.status, errorOf(answer)], [403, 'NotSameOrigin']);
      const preflight = await rawRequest(base, {
        method: 'OPTIONS',
        target,
        headers: { host: own, origin: EVIL, 'access-control-request-method': 'POST' },
      });
      assert.equal(preflight.status, 403);
      assert.equal(preflight.headers['access-control-allow-origin'], undefined);
    }
    // With the key it is no longer a form, but still not JSON.
    const headers = { host: own, [PAGE_KEY_HEADER]: await pageKey(running.url), 'content-type': 'text/plain' };
    const plain = await rawRequest(base, { method: 'POST', target: KILL, headers, body: '{}' });
    assert.deepEqual([plain.status, errorOf(plain)], [400, 'RequestInvalid']);
  });

  it('obeys its own page', async () => {
    const page = { origin: `http://${own}`, 'sec-fetch-site': 'same-origin' };
    const headers = { ...page, [PAGE_KEY_HEADER]: await pageKey(running.url) };
    const token = await rawRequest(base, call(TOKEN, headers));
    assert.equal(token.status, 200);
    const { pid } = running.node('master-1');
    assert.equal((await rawRequest(base, call(KILL, headers))).status, 200);
    await running.restarted('master-1', pid);
  });

  it('does not read a large body', async () => {
    const headers = { host: own, 'content-type': 'application/json', [PAGE_KEY_HEADER]: await pageKey(running.url) };
    const body = JSON.stringify({ room: 'x'.repeat(20_000) });
    const answer = await rawRequest(base, { method: 'POST', target: TOKEN, headers, body });
    assert.deepEqual([answer.status, errorOf(answer)], [400, 'RequestInvalid']);
  });
});

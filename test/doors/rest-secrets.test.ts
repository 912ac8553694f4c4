import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { basic, type DoorProcess, DoorProcesses, SECRET } from '../fixtures/doors/processes.ts';
import { type RawAnswer, rawRequest } from '../fixtures/doors/raw-http.ts';
import { until } from '../fixtures/until.ts';

/** An attacker tries secrets at a master, as fast as it answers. */

const SESSIONS = '/openvidu/api/sessions';
const PAGE = 'https://app.example.org';

const processes = new DoorProcesses();
let master: DoorProcess;
before(async () => {
  master = await processes.master('master-1', { REJOIN_CORS_ORIGINS: PAGE });
});
after(() => processes.close());

function ask(headers: Record<string, string>, method = 'GET', target = SESSIONS): Promise<RawAnswer> {
  return rawRequest(master.url, { method, target, headers });
}

test('wrong secrets get 429 after a few attempts, the right one never does, and the log stays small', async () => {
  const before = master.logBytes();
  const statuses = new Map<number, number>();
  let retryAfter = '';
  for (let round = 0; round < 20; round += 1) {
    const guesses = Array.from({ length: 50 }, (_, index) => ask({ authorization: basic(`guess-${round}-${index}`) }));
    for (const { status, headers } of await Promise.all(guesses)) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 429) retryAfter = headers['retry-after'] ?? '';
    }
    assert.equal((await ask({ authorization: basic(SECRET) })).status, 200);
  }
  assert.deepEqual(Object.fromEntries(statuses), { 401: 10, 429: 990 });
  assert.ok(Number(retryAfter) >= 1 && Number(retryAfter) <= 60, `Retry-After: ${retryAfter}`);
  // In the end all of them are counted.
  await until(
    'the rest has been counted',
    () => refusals().reduce((sum, { leftOut = 0 }) => sum + 1 + leftOut, 0) >= 1_000,
  );
  assert.ok(master.logBytes() - before < 20_000, `${master.logBytes() - before} bytes of log`);
  for (const line of refusals()) assert.ok(!JSON.stringify(line).includes('    at '), JSON.stringify(line));
});

/** The log lines about wrong secrets. */
function refusals(): readonly { readonly leftOut?: number }[] {
  return master.log().filter(({ msg }) => /wrong secret/.test(String(msg)));
}

test('clients are counted by the address from trusted proxies, from the right', async () => {
  const guess = (forwarded: string) => ask({ authorization: basic('guess'), 'x-forwarded-for': forwarded });
  for (let count = 0; count < 10; count += 1) {
    // The client's own entries on the left do not change its address.
    assert.equal((await guess(`198.51.100.${count}, 203.0.113.7`)).status, 401);
  }
  assert.equal((await guess('198.51.100.99, 203.0.113.7')).status, 429);
  assert.equal((await guess('203.0.113.8')).status, 401);
  // An IPv6 network counts as one address.
  for (let count = 0; count < 10; count += 1) assert.equal((await guess(`2001:db8:1:2::${count}`)).status, 401);
  assert.equal((await guess('2001:db8:1:2:ffff::1')).status, 429);
  assert.equal((await guess('2001:db8:1:3::1')).status, 401);
});

test('no body is read before the secret is checked', async () => {
  const half = { 'content-length': '500000000', 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.9' };
  for (const authorization of [basic('guess'), '']) {
    const answer = await rawRequest(master.url, {
      method: 'POST',
      target: SESSIONS,
      headers: { ...half, authorization },
      body: '{"half":',
      timeoutMs: 15_000,
    });
    assert.equal(answer.status, 401);
  }
  const headers = { ...half, authorization: basic(SECRET) };
  const large = await rawRequest(master.url, {
    method: 'POST',
    target: SESSIONS,
    headers,
    body: '{',
    timeoutMs: 15_000,
  });
  assert.equal(large.status, 413);
});

test('pages of other origins need an entry in the list', async () => {
  const preflight = (origin: string) =>
    ask({ origin, 'access-control-request-method': 'POST', 'x-forwarded-for': '203.0.113.10' }, 'OPTIONS');
  const allowed = await preflight(PAGE);
  assert.deepEqual([allowed.status, allowed.headers['access-control-allow-origin']], [204, PAGE]);
  for (const origin of ['https://evil.example', 'null', `${PAGE}:444`, PAGE.toUpperCase(), '*']) {
    const refused = await preflight(origin);
    assert.equal(refused.status, 401, origin);
    assert.equal(refused.headers['access-control-allow-origin'], undefined, origin);
    const asked = await ask({ origin, authorization: basic(SECRET) });
    assert.equal(asked.headers['access-control-allow-origin'], undefined, origin);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OpenVidu, RejoinApiError } from '../../src/node-client/index.ts';
import { DEFAULT_RETRY, delayAfter, retryAfterMs } from '../../src/node-client/retry.ts';
import { connectionJson, FakeServer, type Fate, sessionJson } from '../fixtures/node-client/fake-server.ts';
import { seededRandom } from '../fixtures/random.ts';

interface CallCase {
  readonly call: (client: OpenVidu) => Promise<unknown>;
  /** Answers to preceding requests. */
  readonly first: readonly Fate[];
  readonly success: Fate;
}

const created: Fate = { status: 200, body: sessionJson('one', [connectionJson('con_1')]) };
const node = { id: 'master-1', role: 'master', status: 'running', load: 3 };

function inSession(
  call: (session: Awaited<ReturnType<OpenVidu['createSession']>>) => Promise<unknown>,
): CallCase['call'] {
  return async (client) => call(await client.createSession({ customSessionId: 'one' }));
}

/** Every call of the client, in typical use. */
const CALLS: Record<string, CallCase> = {
  'create session, named': {
    call: (client) => client.createSession({ customSessionId: 'one' }),
    first: [],
    success: created,
  },
  'create session, unnamed': { call: (client) => client.createSession(), first: [], success: created },
  'fetch all': { call: (client) => client.fetch(), first: [], success: { status: 200, body: { content: [] } } },
  'fetch session': { call: inSession((session) => session.fetch()), first: [created], success: created },
  'create connection': {
    call: inSession((session) => session.createConnection()),
    first: [created],
    success: { status: 200, body: connectionJson('con_2') },
  },
  'generate token': {
    call: inSession((session) => session.generateToken()),
    first: [created],
    success: { status: 200, body: { token: 'wss://t' } },
  },
  'update connection': {
    call: inSession((session) => session.updateConnection('con_1', { role: 'MODERATOR' })),
    first: [created],
    success: { status: 200, body: connectionJson('con_1') },
  },
  'force disconnect': {
    call: inSession((session) => session.forceDisconnect('con_1')),
    first: [created],
    success: { status: 204 },
  },
  'force unpublish': {
    call: inSession((session) => session.forceUnpublish('str_1')),
    first: [created],
    success: { status: 204 },
  },
  signal: { call: inSession((session) => session.signal({ data: 'd' })), first: [created], success: { status: 200 } },
  close: { call: inSession((session) => session.close()), first: [created], success: { status: 204 } },
  'list nodes': {
    call: (client) => client.nodes.list(),
    first: [],
    success: { status: 200, body: { content: [node] } },
  },
  'get node': { call: (client) => client.nodes.get('master-1'), first: [], success: { status: 200, body: node } },
  'drain node': { call: (client) => client.nodes.drain('master-1'), first: [], success: { status: 202, body: node } },
  'list media nodes': {
    call: (client) => client.mediaNodes.list(),
    first: [],
    success: { status: 200, body: { content: [node] } },
  },
  'get media node': { call: (client) => client.mediaNodes.get('m'), first: [], success: { status: 200, body: node } },
  'drain media node': { call: (client) => client.mediaNodes.drain('m'), first: [], success: { status: 202 } },
};

/** The request reached no server, so every call may be repeated. */
const NOT_SENT: Record<string, Fate> = {
  refused: { error: 'ECONNREFUSED' },
  'no route': { error: 'EHOSTUNREACH' },
  'connecting takes too long': { error: 'UND_ERR_CONNECT_TIMEOUT' },
  'name server busy': { error: 'EAI_AGAIN' },
};
/** A server may have received and executed the request. */
const UNCLEAR: Record<string, Fate> = {
  '502': { status: 502 },
  '503': { status: 503 },
  '504': { status: 504 },
  reset: { error: 'ECONNRESET' },
  'closed by the other side': { error: 'UND_ERR_SOCKET' },
  'broken pipe': { error: 'EPIPE' },
  'answer broken off': { cut: true },
  silence: { silent: true },
};
/** A repetition cannot help. */
const FINAL: Record<string, Fate> = {
  '400': { status: 400 },
  '401': { status: 401 },
  '404': { status: 404 },
  '406': { status: 406 },
  '500': { status: 500 },
  '501': { status: 501 },
  'unknown host': { error: 'ENOTFOUND' },
  'wrong certificate': { error: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  redirect: { status: 307, headers: { location: 'https://elsewhere.example' } },
};

/** A repetition might drain another node with the same name. */
const ONLY_ONCE = ['drain node', 'drain media node'];

for (const [name, { call, first, success }] of Object.entries(CALLS)) {
  const ways = { ...NOT_SENT, ...UNCLEAR, ...FINAL };
  test(`${name}: is repeated only where that is harmless`, async () => {
    for (const [how, fate] of Object.entries(ways)) {
      const repeated = how in NOT_SENT || (how in UNCLEAR && !ONLY_ONCE.includes(name));
      const server = new FakeServer(...first, fate, success);
      const outcome = await server.outcome(call);
      const sent = server.sent.slice(first.length);
      assert.equal(sent.length, repeated ? 2 : 1, `${how}: ${outcome}`);
      assert.equal(outcome instanceof Error, !repeated, `${how}: ${outcome}`);
      if (!repeated) assert.ok(outcome instanceof RejoinApiError && outcome.attempts === 1, `${how}: ${outcome}`);
      const keys = sent.map(({ headers }) => headers.get('idempotency-key'));
      const keyed = sent[0]?.method === 'POST' && !ONLY_ONCE.includes(name);
      if (keyed) assert.match(String(keys[0]), /^[!-~]{1,128}$/, how);
      else assert.equal(keys[0], null, how);
      if (repeated) assert.equal(keys[1], keys[0], `${how}: another key would make another thing`);
      if (repeated) assert.deepEqual(sent[1]?.body, sent[0]?.body, how);
    }
  });
}

test('two calls have two keys, unless the caller names one', async () => {
  const server = new FakeServer(
    created,
    ...Array.from({ length: 4 }, () => CALLS['create connection']?.success ?? created),
  );
  await server.outcome(async (client) => {
    const session = await client.createSession({ customSessionId: 'one' });
    await session.createConnection();
    await session.createConnection();
    await session.createConnection({}, { idempotencyKey: 'order-7' });
    await session.createConnection({}, { idempotencyKey: 'order-7' });
  });
  const keys = server.sent.map(({ headers }) => headers.get('idempotency-key'));
  assert.equal(new Set(keys.slice(0, 3)).size, 3);
  assert.deepEqual(keys.slice(3), ['order-7', 'order-7']);
});

test('a key that fits no header is refused before anything is sent', async () => {
  const server = new FakeServer();
  const outcome = await server.outcome((client) => client.createSession({}, { idempotencyKey: 'zwei Wörter' }));
  assert.ok(outcome instanceof RejoinApiError && outcome.code === 'BAD_REQUEST', String(outcome));
  assert.equal(server.sent.length, 0);
});

test('the delays are full jitter over a width that doubles up to the cap', () => {
  const random = seededRandom(3);
  for (let failed = 1; failed < 40; failed += 1) {
    const width = Math.min(DEFAULT_RETRY.capMs, DEFAULT_RETRY.baseMs * 2 ** (failed - 1));
    const delays = Array.from({ length: 300 }, () => delayAfter(failed, DEFAULT_RETRY, random));
    assert.ok(Math.min(...delays) >= 0 && Math.max(...delays) <= width, `after ${failed}`);
    assert.ok(
      Math.min(...delays) < width * 0.1 && Math.max(...delays) > width * 0.9,
      `after ${failed}: not the full width`,
    );
  }
});

test('Retry-After is respected, and the jitter comes on top', async () => {
  const date = Date.UTC(2026, 0, 1);
  assert.equal(retryAfterMs('2', date), 2_000);
  assert.equal(retryAfterMs(new Date(date + 3_000).toUTCString(), date), 3_000);
  assert.equal(retryAfterMs(new Date(date - 3_000).toUTCString(), date), 0);
  assert.equal(retryAfterMs('soon', date), 0);
  assert.equal(retryAfterMs(undefined, date), 0);
  const server = new FakeServer(
    { status: 503, headers: { 'retry-after': '2' } },
    { status: 503, headers: { 'retry-after': new Date(date + 9_000).toUTCString() } },
    { status: 200, body: { content: [] } },
  );
  assert.equal(await server.outcome((client) => client.fetch()), false);
  const [first, second, third] = server.sent.map(({ at }) => at);
  assert.deepEqual([first, second], [0, 2_100]);
  assert.equal(third, 9_200);
});

test('no attempt begins after the deadline, and no delay exceeds it', async () => {
  const endless = Array.from({ length: 100 }, (): Fate => ({ status: 503 }));
  const server = new FakeServer(...endless);
  const outcome = await server.outcome((client) => client.fetch());
  assert.ok(
    outcome instanceof RejoinApiError && outcome.code === 'UNAVAILABLE' && outcome.status === 503,
    String(outcome),
  );
  assert.ok(server.clock.now() <= 20_000 && server.clock.now() > 15_000, `${server.clock.now()} ms`);
  assert.equal(outcome.attempts, server.sent.length);
  assert.ok(outcome.attempts > 8, `${outcome.attempts} attempts`);

  const asked = new FakeServer({ status: 503, headers: { 'retry-after': '60' } });
  const refused = await asked.outcome((client) => client.fetch());
  assert.ok(refused instanceof RejoinApiError && refused.message.includes('Retry-After: 60'), String(refused));
  assert.equal(asked.clock.now(), 0);
});

test('silence ends an attempt after its time limit, and the last one with the deadline', async () => {
  const server = new FakeServer({ silent: true }, { silent: true }, { silent: true });
  const outcome = await server.outcome((client) => client.fetch(), { retry: { attemptMs: 4_000, deadlineMs: 10_000 } });
  assert.ok(outcome instanceof RejoinApiError && outcome.code === 'UNAVAILABLE' && outcome.status === undefined);
  assert.deepEqual(
    server.sent.map(({ at }) => at),
    [0, 4_100, 8_300],
  );
  assert.equal(server.clock.now(), 10_000);
});

test('a policy and a deadline of a single call replace the defaults', async () => {
  const server = new FakeServer({ status: 503 }, { status: 503 }, { status: 503 });
  const outcome = await server.outcome((client) => client.fetch({ deadlineMs: 300 }), { retry: { baseMs: 150 } });
  assert.ok(outcome instanceof RejoinApiError);
  assert.deepEqual(
    server.sent.map(({ at }) => at),
    [0, 75, 225],
  );
});

test('the caller is notified of each attempt that is followed by another', async () => {
  const server = new FakeServer(
    { status: 502 },
    { error: 'ECONNREFUSED' },
    { silent: true },
    { status: 200, body: { content: [] } },
  );
  const told: unknown[] = [];
  await server.outcome((client) => client.fetch({ onRetry: (event) => told.push(event) }));
  const request = { method: 'GET', path: '/openvidu/api/sessions' };
  const events = [
    { ...request, attempt: 1, status: 502, delayMs: 100 },
    { ...request, attempt: 2, reason: 'refused', delayMs: 200 },
    { ...request, attempt: 3, reason: 'timeout', delayMs: 400 },
  ];
  assert.deepEqual(server.retries, events);
  assert.deepEqual(told, events);
});

test('a signal ends a call before it is sent, during an attempt and during a delay', async () => {
  const before = new FakeServer();
  const never = await before.outcome((client) => client.fetch({ signal: AbortSignal.abort() }));
  assert.ok(never instanceof RejoinApiError && never.code === 'ABORTED' && never.attempts === 0 && !never.mayHaveRun);

  const abortAt = async (ms: number, ...fates: Fate[]): Promise<{ outcome: unknown; at: number; sent: number }> => {
    const server = new FakeServer(...fates);
    const controller = new AbortController();
    void server.clock.wait(ms).then(() => controller.abort(new Error('enough')));
    const outcome = await server.outcome((client) => client.createSession({}, { signal: controller.signal }));
    return { outcome, at: server.clock.now(), sent: server.sent.length };
  };
  for (const { outcome, at, sent } of [await abortAt(50, { silent: true }), await abortAt(50, { status: 503 })]) {
    assert.ok(outcome instanceof RejoinApiError && outcome.code === 'ABORTED', String(outcome));
    assert.equal((outcome.cause as Error).message, 'enough');
    assert.ok(outcome.mayHaveRun);
    assert.deepEqual({ at, sent }, { at: 50, sent: 1 });
  }
});

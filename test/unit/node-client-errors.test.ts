import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OpenVidu, RejoinApiError } from '../../src/node-client/index.ts';
import { connectionJson, errorJson, FakeServer, type Fate, sessionJson } from '../fixtures/node-client/fake-server.ts';

const created: Fate = { status: 200, body: sessionJson('one', [connectionJson('con_1')]) };
const one = { customSessionId: 'one' };

async function failure(call: (client: OpenVidu) => Promise<unknown>, ...fates: Fate[]): Promise<RejoinApiError> {
  const outcome = await new FakeServer(...fates).outcome(call);
  assert.ok(outcome instanceof RejoinApiError, String(outcome));
  return outcome;
}

test('an error has the status, the server’s message, a code and an action', async () => {
  const codes: [number, string][] = [
    [400, 'BAD_REQUEST'],
    [401, 'UNAUTHORIZED'],
    [404, 'NOT_FOUND'],
    [405, 'NOT_SUPPORTED'],
    [406, 'NOBODY_THERE'],
    [409, 'CONFLICT'],
    [413, 'BAD_REQUEST'],
    [429, 'LIMITED'],
    [500, 'SERVER_ERROR'],
    [501, 'NOT_SUPPORTED'],
    [307, 'UNEXPECTED_ANSWER'],
  ];
  for (const [status, code] of codes) {
    const error = await failure((client) => client.fetch(), { status, body: errorJson(status, 'The moon is wrong.') });
    assert.equal(error.code, code);
    assert.equal(error.status, status);
    assert.equal(error.method, 'GET');
    assert.equal(error.path, '/openvidu/api/sessions');
    assert.match(error.message, new RegExp(`${status}.*The moon is wrong`));
    assert.ok(error.action.length > 20);
  }
});

test('an answer of another API is an error, and never an incomplete object', async () => {
  for (const body of ['<html>', '[]', '"text"', '{}', '{"sessionId":7}', '{"sessionId":"one"}', 'null']) {
    const error = await failure((client) => client.createSession(one), { status: 200, body });
    assert.equal(error.code, 'UNEXPECTED_ANSWER', body);
    assert.equal(error.status, 200, body);
  }
  const list = { content: [sessionJson('one'), {}] };
  assert.equal((await failure((client) => client.fetch(), { status: 200, body: list })).code, 'UNEXPECTED_ANSWER');
});

test('an error of a foreign web server is identified, and not taken for the cluster’s', async () => {
  const pages = ['<html>Not Found</html>', '', '{}', '{"message":"no route"}', '{"status":500}', '"Not Found"'];
  for (const status of [400, 401, 403, 404, 405, 501]) {
    for (const body of pages) {
      const error = await failure((client) => client.fetch(), { status, body });
      assert.deepEqual([error.code, error.status], ['UNEXPECTED_ANSWER', status], body);
      assert.match(error.message, /not by a Rejoin server: https:\/\/cluster\.example:4443/);
      assert.match(error.action, /URL/);
    }
  }
  // A foreign 404 does not prove that a possibly executed request succeeded.
  const close = async (client: OpenVidu): Promise<void> => (await client.createSession(one)).close();
  const error = await failure(close, created, { error: 'ECONNRESET' }, { status: 404, body: '<html>' });
  assert.deepEqual([error.code, error.mayHaveRun], ['UNEXPECTED_ANSWER', true]);
});

test('a broken answer from the server leaves a session unchanged', async () => {
  const server = new FakeServer(created, {
    status: 200,
    body: sessionJson('one', [connectionJson('con_1', { status: 'active' }), {}]),
  });
  const outcome = await server.outcome(async (client) => {
    const session = await client.createSession(one);
    const error = await session.fetch().catch((caught: unknown) => caught);
    return { error, status: session.connections.map((connection) => connection.status) };
  });
  assert.ok(!(outcome instanceof Error));
  assert.ok(outcome.error instanceof RejoinApiError && outcome.error.code === 'UNEXPECTED_ANSWER');
  assert.deepEqual(outcome.status, ['pending']);
});

test('an existing session is the requested one, even if it ends in between', async () => {
  const server = new FakeServer({ status: 409 }, { status: 404 }, { status: 409 }, created);
  const outcome = await server.outcome((client) => client.createSession(one));
  assert.ok(!(outcome instanceof Error) && outcome.sessionId === 'one', String(outcome));
  assert.deepEqual(
    server.sent.map(({ method, path }) => `${method} ${path.replace('/openvidu/api', '')}`),
    [
      'POST /sessions',
      'GET /sessions/one?pendingConnections=true',
      'POST /sessions',
      'GET /sessions/one?pendingConnections=true',
    ],
  );
});

test('a session that neither exists nor can be created is not searched forever', async () => {
  const never = Array.from({ length: 100 }, (_, i): Fate => ({ status: i % 2 === 0 ? 409 : 404 }));
  assert.equal((await failure((client) => client.createSession(one), ...never)).code, 'NOT_FOUND');
});

test('one deadline holds for all requests of a call', async () => {
  const server = new FakeServer(
    { status: 503 },
    { status: 409 },
    ...Array.from({ length: 99 }, (): Fate => ({ status: 503 })),
  );
  const error = await server.outcome((client) => client.createSession(one, { deadlineMs: 3_050 }));
  assert.ok(error instanceof RejoinApiError && error.method === 'GET', String(error));
  assert.ok(server.clock.now() <= 3_050 && server.clock.now() > 1_000, `${server.clock.now()} ms`);
});

test('an object missing at a repeated deletion was deleted the first time, if that may have been executed', async () => {
  const close = async (client: OpenVidu): Promise<string> => {
    const session = await client.createSession(one);
    await session.close();
    return `${client.activeSessions.length} left`;
  };
  const disconnect = async (client: OpenVidu): Promise<string> => {
    const session = await client.createSession(one);
    await session.forceDisconnect('con_1');
    return `${session.connections.length} left`;
  };
  const outcome = (call: (client: OpenVidu) => Promise<string>, ...fates: Fate[]): Promise<string | Error> =>
    new FakeServer(created, ...fates).outcome(call);
  assert.equal(await outcome(close, { error: 'ECONNRESET' }, { status: 404 }), '0 left');
  assert.equal(await outcome(disconnect, { status: 504 }, { status: 404 }), '0 left');
  // The last participant's departure ends the session.
  assert.equal(await outcome(disconnect, { status: 502 }, { status: 400 }), '0 left');
  assert.equal(await outcome(disconnect, { status: 503 }, { error: 'ECONNREFUSED' }, { status: 404 }), '0 left');
  for (const fates of [[{ status: 404 }], [{ error: 'ECONNREFUSED' }, { status: 404 }]]) {
    const error = await outcome(disconnect, ...fates);
    assert.ok(error instanceof RejoinApiError && error.code === 'NOT_FOUND', String(error));
  }
});

test('an error says whether the request may have been executed, and the key for a repetition', async () => {
  const connect = async (client: OpenVidu): Promise<unknown> =>
    (await client.createSession(one)).createConnection({}, { deadlineMs: 50, idempotencyKey: 'k' });
  const lost = await failure(connect, created, { error: 'ECONNRESET' });
  assert.deepEqual([lost.mayHaveRun, lost.idempotencyKey], [true, 'k']);
  assert.ok(lost.cause instanceof Error);
  assert.match(lost.message, /ECONNRESET/);
  const refused = await failure(connect, created, { error: 'ECONNREFUSED' });
  assert.equal(refused.mayHaveRun, false);
  const wrong = await failure(connect, created, { status: 400 });
  assert.equal(wrong.mayHaveRun, false);
});

test('the fault of a URL is reported at once', async () => {
  const { OpenVidu } = await import('../../src/node-client/index.ts');
  for (const url of ['', 'cluster.example', 'ws://cluster.example', 'localhost:4443']) {
    assert.throws(() => new OpenVidu(url, 's'), /is not the URL of a cluster/, url);
  }
  // The message does not repeat a secret in the URL.
  for (const more of ['https://me:hidden@host/video', 'https://host/video?key=hidden', 'https://host/video/#hidden']) {
    assert.throws(
      () => new OpenVidu(more, 's'),
      ({ message }) => message.endsWith('Give https://host/video.') && !message.includes('hidden'),
      more,
    );
  }
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, mock, test } from 'node:test';
import type { RejoinError } from '../../src/client/errors.ts';
import type { StateEvent } from '../../src/client/recovery-events.ts';
import { Rejoin } from '../../src/client/rejoin.ts';
import type { Session } from '../../src/client/session/session.ts';
import type { TokenProvider } from '../../src/client/session/token-source.ts';

/** Typical mistakes of new users: each soon leads to its own error, and events report the progress until then. */

const servers: Server[] = [];
const sessions: Session[] = [];
afterEach(() => {
  mock.restoreAll();
  for (const session of sessions.splice(0)) session.disconnect();
  for (const server of servers.splice(0)) server.close();
});

function aSession(connectTimeoutMs = 10_000): { rejoin: Rejoin; session: Session; states: StateEvent[] } {
  const rejoin = new Rejoin();
  const session = rejoin.initSession({ connectTimeoutMs, retry: { spreadMs: 10, baseMs: 50, capMs: 100 } });
  sessions.push(session);
  const states: StateEvent[] = [];
  session.on('state', (event) => states.push(event));
  return { rejoin, session, states };
}

async function refused(connecting: Promise<void>, withinMs = 3_000): Promise<RejoinError> {
  const began = performance.now();
  const error = await connecting.then(
    () => assert.fail('it has joined'),
    (reason: RejoinError) => reason,
  );
  assert.ok(performance.now() - began < withinMs, `${performance.now() - began} ms`);
  return error;
}

/** A token that leads to `server`, or to a port without a listener. */
async function tokenFor(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  servers.push(server);
  return `ws://127.0.0.1:${port}?sessionId=room&token=tok_abc`;
}

const quiet = (): void => void mock.method(console, 'warn', () => {});

function answering(status: number): TokenProvider {
  return () => Promise.reject(Object.assign(new Error('no token'), { status }));
}

test('a token route that answers 404 is called a few times, then named in the error', async () => {
  quiet();
  const { session, states } = aSession();
  const error = await refused(session.connect(answering(404)));
  assert.deepEqual([error.name, error.code], ['CONNECT_FAILED', 'TOKEN_UNAVAILABLE']);
  assert.match(error.message, /no token \(status 404\)/);
  assert.match(error.action, /token function.*route/);
  assert.deepEqual(
    states.map(({ state, progress }) => [state, progress?.attempt]),
    [
      ['joining', undefined],
      ['joining', 2],
      ['joining', 3],
      ['ended', undefined],
    ],
  );
  assert.match(states[1]?.progress?.cause ?? '', /status 404/);
});

test('a refusing route is called once, and a failing one is named after the time limit', async () => {
  quiet();
  const forbidden = await refused(aSession().session.connect(answering(403)), 500);
  assert.equal(forbidden.code, 'TOKEN_UNAVAILABLE');
  const broken = await refused(aSession(400).session.connect(answering(500)));
  assert.deepEqual([broken.code, /status 500/.test(broken.message)], ['TOKEN_UNAVAILABLE', true]);
  const silent = await refused(aSession(300).session.connect(() => new Promise<string>(() => {})));
  assert.deepEqual([silent.code, /300 ms/.test(silent.message)], ['TOKEN_UNAVAILABLE', true]);
});

test('an object as token, or from a token function, leads to an error that names the right type', async () => {
  const token = { token: 'ws://127.0.0.1:1?sessionId=room&token=tok_abc' } as never;
  for (const given of [() => Promise.resolve(token), token, undefined as never, (() => undefined) as never]) {
    const error = await refused(aSession().session.connect(given), 500);
    assert.equal(error.name, 'TOKEN_INVALID');
    assert.match(error.message, /not a string, but (object|undefined)/);
    assert.match(error.action, /a string/);
  }
});

test('a server that is down, wrong or silent is named with its address', async () => {
  quiet();
  const down = createServer();
  const downToken = await tokenFor(down);
  down.close();
  const foreign = await tokenFor(createHttpServer((_request, answer) => void answer.writeHead(404).end()));
  const silent = await tokenFor(createServer());
  for (const token of [downToken, foreign, silent]) {
    const { session, states } = aSession(700);
    const error = await refused(session.connect(token));
    assert.deepEqual([error.name, error.code], ['CONNECT_FAILED', 'SERVER_UNREACHABLE']);
    assert.ok(error.message.includes(new URL(token).host), error.message);
    assert.match(error.action, /server runs.*host, port/);
    if (token !== silent) assert.ok(states.some(({ progress }) => (progress?.attempt ?? 0) > 1));
  }
});

test('disconnect() during a join is not reported as a server failure', async () => {
  const { session, states } = aSession();
  const connecting = session.connect(() => new Promise<string>(() => {}));
  session.disconnect();
  const error = await refused(connecting, 200);
  assert.deepEqual([error.name, error.code], ['CONNECT_FAILED', 'CONNECT_CANCELLED']);
  assert.match(error.message, /disconnect\(\)/);
  assert.match(error.action, /connect\(\) again/);
  assert.deepEqual(
    states.map(({ state }) => state),
    ['joining', 'ended'],
  );
});

test('attempts to join are logged to the console, unless it is quiet', async () => {
  const lines = mock.method(console, 'warn', () => {});
  await refused(aSession().session.connect(answering(404)));
  assert.equal(lines.mock.callCount(), 2);
  assert.match(
    String(lines.mock.calls[0]?.arguments[0]),
    /^Rejoin: not joined yet \(no token \(status 404\)\), attempt 2 in \d+ ms$/,
  );
  const { rejoin, session } = aSession();
  rejoin.enableProdMode();
  await refused(session.connect(answering(404)));
  assert.equal(lines.mock.callCount(), 2);
});

test('a join after a failed one begins at once', async () => {
  quiet();
  const { session } = aSession();
  await refused(session.connect(answering(404)));
  let asked = 0;
  const began = performance.now();
  const again = session.connect(() => {
    asked ||= performance.now() - began;
    return Promise.reject(Object.assign(new Error('no'), { status: 403 }));
  });
  await refused(again);
  assert.ok(asked > 0 && asked < 40, `${asked} ms`);
});

test('outside of a browser, calls that need one reject with a named error', async () => {
  const rejoin = new Rejoin();
  const needsBrowser = { name: 'BROWSER_NOT_SUPPORTED', action: /./ };
  assert.throws(() => rejoin.initPublisher(), needsBrowser);
  await assert.rejects(rejoin.initPublisherAsync(), needsBrowser);
  await assert.rejects(rejoin.getDevices(), needsBrowser);
  await assert.rejects(rejoin.getUserMedia({}), needsBrowser);
  await assert.rejects(rejoin.getUserMedia({ videoSource: 'screen' }), { name: 'SCREEN_SHARING_NOT_SUPPORTED' });
  assert.equal(rejoin.checkScreenSharingCapabilities(), false);
  const { navigator, WebSocket } = globalThis;
  try {
    // As in Node 20.
    for (const name of ['navigator', 'WebSocket']) Reflect.deleteProperty(globalThis, name);
    assert.equal(rejoin.checkScreenSharingCapabilities(), false);
    await assert.rejects(rejoin.getDevices(), needsBrowser);
    await assert.rejects(rejoin.initSession().connect('ws://127.0.0.1:1?sessionId=room&token=tok_abc'), needsBrowser);
  } finally {
    for (const [name, value] of Object.entries({ navigator, WebSocket })) {
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
  }
});

test('a missing target is refused before anything is opened', () => {
  const opened = mock.fn();
  const page = { document: { getElementById: () => null }, MediaStream: opened };
  Object.assign(globalThis, page);
  try {
    const mistyped = { name: 'GENERIC_ERROR', message: /no element "vidoes"/, action: /id/ };
    assert.throws(() => new Rejoin().initPublisher('vidoes'), mistyped);
    assert.equal(opened.mock.callCount(), 0);
  } finally {
    for (const name of Object.keys(page)) Reflect.deleteProperty(globalThis, name);
  }
});

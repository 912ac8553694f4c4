import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { SessionDisconnectedEvent } from '../../src/client/events.ts';
import type { AttemptEvent, RecoveredEvent } from '../../src/client/recovery-events.ts';
import type { Session } from '../../src/client/session/session.ts';
import { cutSockets, makeSocketsCuttable, openSockets } from '../fixtures/cluster/cuttable-socket.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  makeSocketsCuttable();
  running = await RunningCluster.start({ timing: { resumeGraceMs: 1_500, verdictMs: 1_500, beatMs: 300 } });
});
after(() => running.stop());
beforeEach(() => running.rested());

/** Reconnects only when the test demands it. */
const PATIENT = { spreadMs: 600_000 } as const;

function ending(client: SdkClient): Promise<SessionDisconnectedEvent> {
  return client.happened('sessionDisconnected').then(({ detail }) => detail as SessionDisconnectedEvent);
}

test('React’s StrictMode: connect, disconnect and connect in one tick, on one session and on fresh ones', async () => {
  const room = 'strict';
  const watcher = new SdkClient();
  await watcher.session.connect(await running.token(room));
  const connections = async (): Promise<unknown> =>
    (await running.rest('GET', `/sessions/${room}/connection?pendingConnections=false`)).json['numberOfElements'];

  const one = new SdkClient();
  const first = one.session.connect(() => running.token(room));
  one.session.disconnect();
  const second = one.session.connect(() => running.token(room));
  await assert.rejects(first, { name: 'CONNECT_FAILED' });
  await second;
  assert.deepEqual(one.story(), ['connectionCreated']);
  assert.equal(await connections(), 2);

  const unmounted = new SdkClient();
  const mounted = new SdkClient();
  const never = unmounted.session.connect(() => running.token(room));
  unmounted.session.disconnect();
  const stays = mounted.session.connect(() => running.token(room));
  await assert.rejects(never, { name: 'CONNECT_FAILED' });
  await stays;
  assert.deepEqual(unmounted.story(), []);
  assert.equal(await connections(), 3);

  // The same later, with a joined session.
  one.forget();
  one.session.disconnect();
  await one.session.connect(() => running.token(room));
  assert.deepEqual(one.story(), ['sessionDisconnected', 'connectionCreated']);
  await one.session.signal({ data: 'here I am' });
  await until('all receive it', () => [watcher, mounted].every(({ signals }) => signals.includes('here I am')));
  for (const { session } of [watcher, one, mounted]) session.disconnect();
});

test('an application that leaves in a handler gets no further event', async () => {
  const room = 'leaving-in-a-handler';
  const others = [1, 2].map(() => new SdkClient());
  for (const { session } of others) await session.connect(await running.token(room));
  const names = ['connectionCreated', 'signal', 'reconnecting', 'reconnected'] as const;
  for (const name of names) {
    const client = new SdkClient();
    const leave = (session: Session): void => {
      client.forget();
      session.disconnect();
    };
    client.session.on(name, () => leave(client.session));
    await client.session.connect(await running.token(room));
    if (name === 'signal') await others[0]?.session.signal({ data: 'x' });
    if (name.startsWith('reconnect')) cutSockets();
    await until(`it has left at ${name}`, () => client.session.state === 'ended');
    await until('the others have joined', () => others.every(({ session }) => session.state === 'joined'));
    const story = client.seen.map(({ event }) => event);
    // Events that were being emitted reach this listener, because it was attached first.
    assert.deepEqual(story, ['sessionDisconnected'], `${name}: ${story.join(' ')}`);
  }
  for (const { session } of others) session.disconnect();
});

test('leaving while reconnecting: once, and for good', async () => {
  const client = new SdkClient({ retry: PATIENT });
  await client.session.connect(() => running.token('leaving-1'));
  const watcher = new SdkClient();
  await watcher.session.connect(await running.token('leaving-1'));
  cutSockets();
  await client.happened('reconnecting');
  await watcher.happened('reconnected');
  const signal = client.session.signal({ data: 'x' });
  client.session.disconnect();
  client.session.reconnectNow();
  await assert.rejects(signal, { code: 'SESSION_CLOSED' });
  const { reason, cause } = await ending(client);
  assert.deepEqual({ reason, cause }, { reason: 'disconnect', cause: undefined });
  assert.equal(client.count('sessionDisconnected'), 1);
  // Far sooner than the grace period, because it has reconnected once more to leave.
  const left = await watcher.happened('connectionDestroyed', 1, 5_000);
  assert.equal((left.detail as { reason: string }).reason, 'disconnect');
  assert.equal(client.session.state, 'ended');
  watcher.session.disconnect();
  await until('no socket is open', () => openSockets() === 0);
});

test('leaving while rebuilding: no further token is requested, and a late one is not used', async () => {
  const room = 'leaving-2';
  const client = new SdkClient();
  let asked = 0;
  let release = (_token: string): void => {};
  await client.session.connect(() => {
    asked += 1;
    if (asked === 1) return running.token(room);
    return new Promise<string>((resolve) => {
      release = resolve;
    });
  });
  const owner = await running.ownerOf(room);
  const pid = running.cluster.kill(owner);
  await until('a token is requested', () => asked === 2);
  const waiting = assert.rejects(client.session.signal({ data: 'x' }), { name: 'OPENVIDU_NOT_CONNECTED' });
  client.session.disconnect();
  release(await running.token(room));
  await waiting;
  const { reason } = await ending(client);
  assert.equal(reason, 'disconnect');
  await running.restarted(owner, pid);
  const { json } = await running.rest('GET', `/sessions/${room}/connection?pendingConnections=false`);
  assert.equal(json['numberOfElements'], 0);
  assert.equal(asked, 2);
  assert.equal(client.count('rebuilt') + client.count('sessionDisconnected'), 1);
});

test('an expired token: a function supplies another one, and a plain token gets a named error', async () => {
  const room = 'expired';
  await running.token(room);
  const { json } = await running.rest('POST', `/sessions/${room}/connection`, { expiresInMs: 1_000 });
  const expired = String(json['token']);
  await until('it has expired', () => Date.now() > Number(json['expiresAt']));
  await assert.rejects(new SdkClient().session.connect(expired), { name: 'CONNECT_FAILED', code: 'TOKEN_EXPIRED' });
  const client = new SdkClient({ retry: { spreadMs: 50, baseMs: 50 } });
  let asked = 0;
  await client.session.connect(async () => {
    asked += 1;
    return asked === 1 ? expired : running.token(room);
  });
  assert.equal(asked, 2);
  client.session.disconnect();
});

test('a rebuild survives invalid tokens and a failing function; a final error ends it by name', async () => {
  const room = 'bad-tokens';
  const client = new SdkClient({ retry: { spreadMs: 50, baseMs: 100 } });
  const given: string[] = [];
  const bad = `${running.url.replace('http', 'ws')}?sessionId=${room}&token=tok_expired`;
  const answers: (() => Promise<string>)[] = [
    () => running.token(room),
    async () => {
      // The session exists again, but the token is invalid.
      await running.token(room);
      return bad;
    },
    async () => 'an error page',
    () => Promise.reject(Object.assign(new Error('busy'), { status: 503 })),
    () => running.token(room),
    () => Promise.reject(Object.assign(new Error('you are not on the list'), { status: 403 })),
  ];
  await client.session.connect(async () => {
    const token = await answers[given.length]?.().finally(() => given.push('asked'));
    return token ?? assert.fail('asked too often');
  });
  for (const ends of [false, true]) {
    client.forget();
    const owner = await running.ownerOf(room);
    const pid = running.cluster.kill(owner);
    if (ends) {
      const { reason, cause } = await ending(client);
      assert.equal(reason, 'nodeCrashed');
      assert.match(String(cause), /you are not on the list/);
    } else {
      await client.happened('rebuilt');
      const attempts = client.seen.filter(({ event }) => event === 'rebuilding');
      const causes = attempts.map(({ detail }) => (detail as AttemptEvent).cause);
      assert.equal(causes.length, 4, causes.join('; '));
      assert.equal(causes[0], 'nodeCrashed');
      assert.match(causes[1] ?? '', /token/i);
      assert.match(causes[2] ?? '', /not valid/);
      assert.equal(causes[3], 'busy (status 503)');
    }
    await running.restarted(owner, pid);
  }
  assert.equal(client.count('sessionDisconnected'), 1);
});

test('every master is down for a while: all clients keep trying, with an event for each attempt, and come back', async () => {
  const room = 'all-down';
  const clients = [1, 2, 3].map(() => new SdkClient({ retry: { capMs: 1_000 } }));
  const token = async (): Promise<string> => {
    // An application's server that forwards the REST API's status.
    await running.rest('POST', '/sessions', { customSessionId: room });
    const { status, json } = await running.rest('POST', `/sessions/${room}/connection`, {});
    if (status === 200) return String(json['token']);
    throw Object.assign(new Error(`${status}`), { status });
  };
  for (const { session } of clients) await session.connect(token);
  for (const client of clients) client.forget();
  const downUntil = performance.now() + 6_000;
  while (performance.now() < downUntil) {
    for (const id of ['master-1', 'master-2']) {
      try {
        running.cluster.kill(id);
      } catch {
        // It is down already.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await assert.rejects(token(), ({ status }: { status: number }) => [502, 503, 504].includes(status));
  for (const client of clients) {
    assert.equal(client.count('rebuilt') + client.count('sessionDisconnected'), 0, client.story().join(' '));
  }
  for (const client of clients) {
    const { durationMs } = (await client.happened('rebuilt', 1, 30_000)).detail as RecoveredEvent;
    assert.ok(durationMs > 5_000, `${durationMs}`);
    const attempts = client.count('reconnecting') + client.count('rebuilding');
    assert.ok(attempts >= 4 && attempts < 60, `${attempts} attempts`);
    assert.equal(client.count('sessionDestroyed'), 1);
    assert.equal(client.count('sessionDisconnected'), 0);
  }
  await clients[0]?.session.signal({ data: 'all here' });
  for (const client of clients) await until('the signal', () => client.signals.includes('all here'));
  for (const { session } of clients) session.disconnect();
});

test('balancers are tried in turn: a dead one in the list costs an attempt', async () => {
  const urls = ['ws://127.0.0.1:9', running.url.replace('http', 'ws')];
  const client = new SdkClient({ urls, retry: { spreadMs: 50, baseMs: 100 } });
  await client.session.connect(await running.token('list'));
  for (let loss = 1; loss <= 2; loss += 1) {
    cutSockets();
    await client.happened('reconnected', loss);
  }
  client.session.disconnect();
});

test("the application's time limit: one event, with the reason", async () => {
  const client = new SdkClient({ retry: { ...PATIENT, giveUpAfterMs: 300 } });
  await client.session.connect(() => running.token('giving-up'));
  cutSockets();
  const { reason, cause } = await ending(client);
  assert.equal(reason, 'networkDisconnect');
  assert.match(String(cause), /not reconnected in time \(300 ms\); last: socketClosed/);
  assert.equal(client.count('sessionDisconnected'), 1);
  assert.equal(client.session.state, 'ended');
});

test('away for longer than the grace period: with a token function it joins again, and all is as before', async () => {
  const room = 'lapsed';
  const stays = new SdkClient();
  const sleeps = new SdkClient({ retry: PATIENT });
  await sleeps.session.connect(() => running.token(room));
  await stays.session.connect(await running.token(room));
  await sleeps.happened('connectionCreated', 2);
  const remote = sleeps.seen.at(-1)?.detail as { connection: object };
  const self = sleeps.session.connection;
  const before = self?.connectionId;
  sleeps.forget();
  cutSockets();
  await stays.happened('reconnected');
  await stays.happened('connectionDestroyed');
  sleeps.session.reconnectNow();
  // The rebuild has its own delay.
  await sleeps.happened('rebuilding');
  sleeps.session.reconnectNow();
  const { kind } = (await sleeps.happened('rebuilt')).detail as RecoveredEvent;
  assert.equal(kind, 'rebuild');
  // The session has not crashed, so its members have not left.
  assert.deepEqual(sleeps.story(), ['reconnecting', 'rebuilding', 'rebuilt']);
  assert.equal(sleeps.session.connection, self);
  assert.notEqual(self?.connectionId, before);
  await sleeps.session.signal({ data: 'good morning' });
  await until('it is received', () => stays.signals.includes('good morning'));
  const answer = stays.session.signal({ data: 'good morning to you' });
  await until('it is received', () => sleeps.signals.includes('good morning to you'));
  await answer;
  // The other connection is the same object.
  stays.session.disconnect();
  const gone = await sleeps.happened('connectionDestroyed');
  assert.equal((gone.detail as { connection: object }).connection, remote.connection);
  sleeps.session.disconnect();
});

test("a participant that leaves during a client's sleep is gone when the client wakes up", async () => {
  const room = 'lapsed-left';
  const leaves = new SdkClient();
  const stays = new SdkClient();
  const sleeps = new SdkClient({ retry: PATIENT });
  await sleeps.session.connect(() => running.token(room));
  for (const { session } of [leaves, stays]) await session.connect(await running.token(room));
  await sleeps.happened('connectionCreated', 3);
  cutSockets();
  await stays.happened('connectionDestroyed');
  leaves.session.disconnect();
  await stays.happened('connectionDestroyed', 2);
  sleeps.forget();
  sleeps.session.reconnectNow();
  await sleeps.happened('rebuilding');
  sleeps.session.reconnectNow();
  await sleeps.happened('connectionDestroyed');
  await sleeps.happened('rebuilt');
  assert.equal(sleeps.count('connectionDestroyed'), 1);
  for (const { session } of [stays, sleeps]) session.disconnect();
});

test('away for too long with a plain token, or disconnected meanwhile: the session ends', async () => {
  const room = 'over';
  const stays = new SdkClient();
  const plain = new SdkClient({ retry: PATIENT });
  const put = new SdkClient({ retry: PATIENT });
  let asked = 0;
  await plain.session.connect(await running.token(room));
  await put.session.connect(() => {
    asked += 1;
    return running.token(room);
  });
  await stays.session.connect(await running.token(room));
  const id = put.session.connection?.connectionId;
  cutSockets();
  await Promise.all([plain, put].map((client) => client.happened('reconnecting')));
  const { status } = await running.rest('DELETE', `/sessions/${room}/connection/${id}`);
  assert.equal(status, 204);
  put.session.reconnectNow();
  assert.equal((await ending(put)).reason, 'forceDisconnectByServer');
  assert.equal(asked, 1, 'a disconnected client does not come back by itself');
  await stays.happened('connectionDestroyed', 2);
  plain.session.reconnectNow();
  const { reason, cause } = await ending(plain);
  assert.equal(reason, 'networkDisconnect');
  assert.match(String(cause), /resume/i);
  stays.session.disconnect();
});

test('calls of a token function do not overlap, and may take as long as connect()', async () => {
  const room = 'slow-token';
  const client = new SdkClient();
  let asked = 0;
  await client.session.connect(async () => {
    asked += 1;
    await new Promise((resolve) => setTimeout(resolve, 11_000));
    return running.token(room);
  });
  assert.equal(asked, 1);
  client.session.disconnect();
});

test('a URL that the browser refuses: connect() rejects at once and says what to do; another URL in the list is tried', async () => {
  const good = running.url.replace('http', 'ws');
  const began = performance.now();
  const token = await running.token('no-url');
  await assert.rejects(
    new SdkClient({ urls: ['ws://:not a url'] }).session.connect(token),
    ({ name, message, action }) => {
      assert.equal(name, 'CONNECT_FAILED');
      assert.match(message, /ws:\/\/:not a url/);
      assert.match(action, /--public-url https:\/\//);
      return true;
    },
  );
  assert.ok(performance.now() - began < 3_000);
  const client = new SdkClient({ urls: ['ws://:not a url', good], retry: { spreadMs: 50, baseMs: 50 } });
  await client.session.connect(token);
  client.session.disconnect();
});

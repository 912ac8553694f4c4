import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionType, type OpenVidu, OpenViduRole, type Session } from '../../src/node-client/index.ts';
import { connectionJson, FakeServer, type Fate, sessionJson } from '../fixtures/node-client/fake-server.ts';

const publishing = (connectionId: string): object =>
  connectionJson(connectionId, {
    status: 'active',
    activeAt: 3_000,
    location: 'unknown',
    ip: '10.0.0.1',
    platform: 'Chrome',
    clientData: 'Ann',
    token: null,
    publishers: [
      {
        createdAt: 4_000,
        streamId: `str_CAM_${connectionId}`,
        mediaOptions: {
          hasAudio: true,
          audioActive: true,
          hasVideo: true,
          videoActive: false,
          typeOfVideo: 'CAMERA',
          frameRate: 30,
          videoDimensions: '{"width":640,"height":480}',
          filter: {},
        },
      },
    ],
    subscribers: [],
  });
const watching = (connectionId: string, streamId: string): object =>
  connectionJson(connectionId, { status: 'active', publishers: [], subscribers: [{ createdAt: 5_000, streamId }] });

const answer = (body: unknown): Fate => ({ status: 200, body });

/** A session with these connections, and the result of `use` with the given answers of the cluster. */
async function withSession<T>(
  connections: readonly object[],
  fates: readonly Fate[],
  use: (session: Session, client: OpenVidu) => Promise<T>,
): Promise<{ value: T; server: FakeServer }> {
  const server = new FakeServer(answer(sessionJson('one', connections)), ...fates);
  const value = await server.outcome(async (client) =>
    use(await client.createSession({ customSessionId: 'one' }), client),
  );
  if (value instanceof Error) throw value;
  return { value, server };
}

test('requests have the form of the REST API, with the credentials of the cluster', async () => {
  const { server } = await withSession(
    [connectionJson('con_1')],
    [
      answer(connectionJson('con_2')),
      answer(connectionJson('con_1')),
      answer({ token: 'wss://t' }),
      { status: 200 },
      { status: 200 },
    ],
    async (session) => {
      const [first] = session.connections;
      assert.ok(first);
      await session.createConnection({ role: OpenViduRole.SUBSCRIBER, data: 'd', type: null });
      await session.updateConnection(first, { role: OpenViduRole.MODERATOR, record: false });
      assert.equal(await session.generateToken({ data: 'x' }), 'wss://t');
      await session.signal({ to: [first, 'con_9'], type: 'chat', data: 'hi' });
      await session.signal({});
    },
  );
  for (const { headers } of server.sent) {
    assert.equal(headers.get('authorization'), `Basic ${Buffer.from('OPENVIDUAPP:secret').toString('base64')}`);
    assert.equal(headers.get('content-type'), 'application/json');
  }
  assert.deepEqual(
    server.sent.map(({ method, path, body }) => [method, path.replace('/openvidu/api', ''), body]),
    [
      ['POST', '/sessions', { customSessionId: 'one' }],
      ['POST', '/sessions/one/connection', { role: 'SUBSCRIBER', data: 'd', type: null }],
      ['PATCH', '/sessions/one/connection/con_1', { role: 'MODERATOR', record: false }],
      ['POST', '/tokens', { session: 'one', data: 'x' }],
      ['POST', '/signal', { session: 'one', to: ['con_1', 'con_9'], type: 'chat', data: 'hi' }],
      ['POST', '/signal', { session: 'one' }],
    ],
  );
});

test('ids are data, never a way to another path', async () => {
  const { server } = await withSession([], [{ status: 204 }, { status: 204 }], async (session) => {
    await session.forceDisconnect('../../nodes');
    await session.forceUnpublish('a?b#c');
  });
  const paths = server.sent.slice(1).map(({ path }) => path);
  assert.deepEqual(paths, [
    '/openvidu/api/sessions/one/connection/..%2F..%2Fnodes',
    '/openvidu/api/sessions/one/stream/a%3Fb%23c',
  ]);
});

test('ICE servers are returned as given, with one address or several', async () => {
  const servers = [
    { url: 'stun:one.example' },
    { urls: ['turn:two.example', 'turns:two.example'], username: 'u', credential: 'c' },
  ];
  const given = { ...connectionJson('con_1'), customIceServers: servers };
  const { value } = await withSession([given], [], async (session) => session);
  assert.deepEqual(value.connections[0]?.connectionProperties.customIceServers, servers);
});

test('a connection has every field, pending and active', async () => {
  const { value } = await withSession([connectionJson('con_1'), publishing('con_2')], [], async (session) => session);
  const [pending, active] = value.connections;
  assert.ok(pending && active);
  assert.deepEqual(JSON.parse(JSON.stringify(pending)), {
    connectionId: 'con_1',
    status: 'pending',
    createdAt: 2_000,
    activeAt: null,
    location: null,
    ip: null,
    platform: null,
    clientData: null,
    connectionProperties: {
      type: ConnectionType.WEBRTC,
      data: '',
      record: true,
      role: 'PUBLISHER',
      kurentoOptions: null,
      rtspUri: null,
      adaptativeBitrate: null,
      onlyPlayWithSubscribers: null,
      networkCache: null,
      customIceServers: [],
    },
    token: 'wss://cluster.example?sessionId=one&token=tok_con_1',
    publishers: [],
    subscribers: [],
  });
  assert.deepEqual(
    [active.status, active.activeAt, active.ip, active.clientData, active.token, active.role],
    ['active', 3_000, '10.0.0.1', 'Ann', '', 'PUBLISHER'],
  );
  assert.deepEqual(JSON.parse(JSON.stringify(active.publishers)), [
    {
      streamId: 'str_CAM_con_2',
      createdAt: 4_000,
      hasAudio: true,
      hasVideo: true,
      audioActive: true,
      videoActive: false,
      frameRate: 30,
      typeOfVideo: 'CAMERA',
      videoDimensions: '{"width":640,"height":480}',
    },
  ]);
  assert.deepEqual(value.activeConnections, [active]);
});

test('fetch() reports a change in any property of any part', async () => {
  const states: [object, boolean][] = [
    [sessionJson('one', [connectionJson('con_1'), connectionJson('con_2')]), false],
    [sessionJson('one', [connectionJson('con_2'), connectionJson('con_1')]), false],
    [sessionJson('one', [connectionJson('con_1'), connectionJson('con_2', { role: 'MODERATOR' })]), true],
    [sessionJson('one', [connectionJson('con_1')]), true],
    [sessionJson('one', [publishing('con_1')]), true],
    [sessionJson('one', [publishing('con_1')]), false],
    [{ ...sessionJson('one', [publishing('con_1')]), recording: true }, true],
    [{ ...sessionJson('one', [publishing('con_1')]), recording: true, forcedVideoCodec: 'H264' }, true],
  ];
  const { value } = await withSession(
    [connectionJson('con_1'), connectionJson('con_2')],
    states.map(([state]) => answer(state)),
    async (session) => {
      const [first] = session.connections;
      const changes: boolean[] = [];
      for (const _ of states) changes.push(await session.fetch());
      assert.equal(session.connections[0], first, 'a connection is the same object all the time');
      return changes;
    },
  );
  assert.deepEqual(
    value,
    states.map(([, changed]) => changed),
  );
});

test('a connection created here is known without a fetch()', async () => {
  const { value } = await withSession(
    [],
    [answer(connectionJson('con_1')), answer(sessionJson('one', [connectionJson('con_1')]))],
    async (session) => {
      const made = await session.createConnection();
      assert.deepEqual(session.connections, [made]);
      return session.fetch();
    },
  );
  assert.equal(value, false);
});

test('objects ended by this client disappear, with the subscriptions of others', async () => {
  const { value } = await withSession(
    [publishing('con_1'), watching('con_2', 'str_CAM_con_1')],
    [
      { status: 204 },
      answer(sessionJson('one', [publishing('con_1'), watching('con_2', 'str_CAM_con_1')])),
      { status: 204 },
    ],
    async (session) => {
      const [publisher, watcher] = session.connections;
      const [stream] = publisher?.publishers ?? [];
      assert.ok(publisher && watcher && stream);
      await session.forceUnpublish(stream);
      assert.deepEqual([publisher.publishers, watcher.subscribers], [[], []]);
      await session.fetch();
      assert.deepEqual(watcher.subscribers, ['str_CAM_con_1']);
      await session.forceDisconnect(publisher);
      assert.deepEqual(session.connections, [watcher]);
      return watcher.subscribers;
    },
  );
  assert.deepEqual(value, []);
});

test('an update changes the known connection, and the next fetch() reports no change', async () => {
  const changed = connectionJson('con_1', { role: 'SUBSCRIBER', record: false });
  const { value } = await withSession(
    [connectionJson('con_1')],
    [answer(changed), answer(sessionJson('one', [changed]))],
    async (session) => {
      const updated = await session.updateConnection('con_1', { role: 'SUBSCRIBER', record: false });
      assert.equal(updated, session.connections[0]);
      assert.deepEqual([updated.role, updated.connectionProperties.record], ['SUBSCRIBER', false]);
      return session.fetch();
    },
  );
  assert.equal(value, false);
});

test('a connection created by this client exists once, even if a fetch() has found it already', async () => {
  const { value } = await withSession(
    [],
    [answer(sessionJson('one', [connectionJson('con_1')])), answer(connectionJson('con_1'))],
    async (session) => {
      await session.fetch();
      const made = await session.createConnection({}, { idempotencyKey: 'again' });
      assert.equal(made, session.connections[0]);
      return session.connections.length;
    },
  );
  assert.equal(value, 1);
});

test('activeSessions: created, found, closed and missing ones', async () => {
  const list = (...ids: string[]): Fate => answer({ content: ids.map((id) => sessionJson(id)) });
  const ids = (client: OpenVidu): string[] => client.activeSessions.map(({ sessionId }) => sessionId);
  await withSession(
    [],
    [
      list('one', 'two'),
      list('two', 'one'),
      answer({ content: [sessionJson('one', [connectionJson('con_1')]), sessionJson('two')] }),
      answer({ content: [sessionJson('one', [connectionJson('con_1')])] }),
      { status: 409 },
      answer(sessionJson('two')),
      { status: 204 },
      { status: 404 },
      list(),
    ],
    async (session, client) => {
      assert.equal(await client.fetch(), true);
      assert.deepEqual(ids(client), ['one', 'two']);
      assert.equal(client.activeSessions[0], session);
      assert.equal(await client.fetch(), false);
      assert.equal(await client.fetch(), true, 'a connection more');
      assert.deepEqual(session.connections.length, 1);
      assert.equal(await client.fetch(), true, 'a session less');
      const second = await client.createSession({ customSessionId: 'two' });
      assert.ok(client.activeSessions.includes(second) && client.activeSessions.length === 2);
      await session.close();
      assert.deepEqual(ids(client), ['two']);
      await assert.rejects(second.fetch(), { code: 'NOT_FOUND', status: 404 });
      assert.deepEqual(ids(client), []);
      assert.equal(await client.fetch(), false);
    },
  );
});

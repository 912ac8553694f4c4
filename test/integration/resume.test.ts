import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { cutSockets, makeSocketsCuttable } from '../fixtures/cluster/cuttable-socket.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { seededRandom, seeds } from '../fixtures/random.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  makeSocketsCuttable();
  running = await RunningCluster.start({ timing: { resumeGraceMs: 3_000 } });
});
after(() => running.stop());
beforeEach(() => running.rested());

test('over any number of socket drops, every signal arrives once and in order', async () => {
  for (const seed of seeds(3)) {
    const random = seededRandom(seed);
    const room = `resume-${seed}`;
    const clients = [1, 2, 3].map(() => new SdkClient({ retry: { spreadMs: 40, baseMs: 80 } }));
    for (const { session } of clients) await session.connect(await running.token(room));
    const sent: string[][] = clients.map(() => []);
    const pending: Promise<void>[] = [];
    let cuts = 0;
    for (let step = 0; step < 150; step += 1) {
      const at = Math.floor(random() * clients.length);
      const data = `${at}:${sent[at]?.length}`;
      sent[at]?.push(data);
      const client = clients[at];
      if (client) pending.push(client.session.signal({ type: 'n', data }));
      if (random() < 0.06) cuts += cutSockets();
      // Independent of the random numbers, all are sometimes cut at once while all are connected.
      if (step % 50 === 25) {
        await until(`SEED=${seed}: all are back`, () => clients.every(({ session }) => session.state === 'joined'));
        cuts += cutSockets();
      }
      // Sometimes a turn of the event loop, so that cuts also fall between frames.
      if (random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(pending);
    assert.ok(cuts >= 9, `SEED=${seed}: only ${cuts} cuts`);
    for (const client of clients) {
      await until(`SEED=${seed}: all signals have arrived`, () => client.signals.length >= 150);
      assert.equal(client.signals.length, 150, `SEED=${seed}`);
      for (const [at, expected] of sent.entries()) {
        const got = client.signals.filter((data) => data?.startsWith(`${at}:`));
        assert.deepEqual(got, expected, `SEED=${seed}: from ${at}`);
      }
      await until(`SEED=${seed}: back`, () => client.session.state === 'joined');
      assert.equal(
        client.count('sessionDisconnected') + client.count('exception') + client.count('sessionDestroyed'),
        0,
      );
      assert.equal(client.count('connectionDestroyed'), 0, `SEED=${seed}`);
    }
    for (const { session } of clients) session.disconnect();
  }
});

test('a signal is answered after its arrival, not before', async () => {
  const sender = new SdkClient();
  await sender.session.connect(await running.token('arrived'));
  const recipient = await RawClient.join(running.socketUrl, await running.token('arrived'));
  await recipient.frame('welcome');
  let answered = false;
  const signal = sender.session.signal({ data: 'x' }).then(() => {
    answered = true;
  });
  const { seq } = await recipient.frame('evt');
  // The sender's own copy is acknowledged, too; only the other recipient's acknowledgement is missing.
  await until('its own copy', () => sender.signals.length === 1);
  recipient.send({ t: 'ping' });
  await recipient.frame('pong');
  assert.equal(answered, false);
  recipient.send({ t: 'ack', seq });
  await signal;
  // A leaving recipient need not be awaited.
  const second = sender.session.signal({ data: 'y' });
  await until('it is there', () => recipient.frames.filter(({ t }) => t === 'evt').length === 2);
  recipient.send({ t: 'req', id: 1, method: 'leave', data: {} });
  await second;
  sender.session.disconnect();
});

test('a repeated request is executed once', async () => {
  const client = await RawClient.join(running.socketUrl, await running.token('twice'));
  await client.frame('welcome');
  const request = (id: number): object => ({ t: 'req', id, method: 'signal', data: { id: `s${id}`, data: `${id}` } });
  for (const id of [1, 1, 2, 1, 2]) client.send(request(id));
  client.send(request(3));
  const signals = (): unknown[] => client.frames.flatMap((frame) => (frame.t === 'evt' ? [frame.data] : []));
  await until('the last one', () => signals().length >= 3);
  client.send({ t: 'ack', seq: 3 });
  await until('all answers', () => client.frames.filter(({ t }) => t === 'res').length === 3);
  assert.equal(signals().length, 3);
  client.close();
});

test('others see absences; a client that stays away too long has left', async () => {
  const stays = new SdkClient();
  const goes = new SdkClient({ retry: { spreadMs: 60_000, giveUpAfterMs: 60_000 } });
  await goes.session.connect(await running.token('away'));
  const before = cutSockets;
  await stays.session.connect(await running.token('away'));
  const remote = goes.session.connection?.connectionId;
  before();
  await stays.happened('reconnected');
  await stays.happened('connectionPresence');
  assert.equal(goes.session.state, 'reconnecting');
  const left = await stays.happened('connectionDestroyed');
  const { connection, reason } = left.detail as { connection: { connectionId: string }; reason: string };
  assert.equal(connection.connectionId, remote);
  assert.equal(reason, 'networkDisconnect');
  // On its return it gets this reason, and stops trying.
  goes.session.reconnectNow();
  const over = await goes.happened('sessionDisconnected');
  assert.equal((over.detail as { reason: string }).reason, 'networkDisconnect');
  stays.session.disconnect();
});

test('a signal without a possible recipient is refused with a named error', async () => {
  const client = new SdkClient();
  await assert.rejects(client.session.signal({ data: 'x' }), { name: 'OPENVIDU_NOT_CONNECTED' });
  await client.session.connect(await running.token('alone'));
  await assert.rejects(client.session.signal({ data: 'x'.repeat(70_000) }), { code: 'FRAME_TOO_LARGE' });
  await client.session.signal({ data: 'fine' });
  await until('its own signal', () => client.signals.length === 1);
  client.session.disconnect();
  await assert.rejects(client.session.signal({ data: 'x' }), { name: 'OPENVIDU_NOT_CONNECTED' });
  assert.deepEqual(client.story(), ['connectionCreated', 'sessionDisconnected']);
});

test('connect() always settles', async () => {
  const refused: [string | (() => Promise<string>), object][] = [
    ['not a token', { name: 'TOKEN_INVALID' }],
    [
      `${running.url.replace('http', 'ws')}?sessionId=none&token=tok_x`,
      { name: 'CONNECT_FAILED', code: 'SESSION_UNKNOWN' },
    ],
    ['ws://127.0.0.1:9?sessionId=a&token=tok_x', { name: 'CONNECT_FAILED' }],
    [() => Promise.reject(new Error('the application’s server is down')), { name: 'CONNECT_FAILED' }],
    [() => Promise.reject(Object.assign(new Error('no'), { status: 403 })), { name: 'CONNECT_FAILED' }],
    [async () => 'not a token', { name: 'TOKEN_INVALID' }],
    [() => new Promise(() => {}), { name: 'CONNECT_FAILED' }],
  ];
  for (const [token, error] of refused) {
    const { session } = new SdkClient({ connectTimeoutMs: 700 });
    await assert.rejects(session.connect(token), error, String(token));
    assert.equal(session.state, 'ended');
  }
  // React's StrictMode: connect, disconnect, connect.
  const { session } = new SdkClient();
  const first = session.connect(await running.token('strict'));
  session.disconnect();
  await assert.rejects(first, { name: 'CONNECT_FAILED' });
  await session.connect(await running.token('strict'));
  await assert.rejects(session.connect(await running.token('strict')), /joined already/);
  session.disconnect();
});

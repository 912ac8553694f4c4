import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { SessionDisconnectedEvent } from '../../src/client/events.ts';
import type { RecoveredEvent } from '../../src/client/recovery-events.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ masters: 3, timing: { verdictMs: 1_500, beatMs: 300 } });
});
after(() => running.stop());
beforeEach(() => running.rested());

const MASTERS = ['master-1', 'master-2', 'master-3'];
const signal = { t: 'req', id: 1, method: 'signal', data: { id: 'x', data: 'hello' } };

async function killOwner(room: string): Promise<{ owner: string; pid: number }> {
  const owner = await running.ownerOf(room);
  return { owner, pid: running.cluster.kill(owner) };
}

test('the owner is killed: clients of every edge learn of it, those of living edges at once', async () => {
  const room = 'notice';
  const clients: { edge: string; client: RawClient }[] = [];
  for (const edge of MASTERS) {
    const url = `${running.node(edge).url.replace('http', 'ws')}/rejoin`;
    const client = await RawClient.join(url, await running.token(room, { owner: 'master-2' }));
    await client.frame('welcome');
    clients.push({ edge, client });
  }
  const before = await until('it exists', () => running.session(room));
  const { owner, pid } = await killOwner(room);
  const at = performance.now();
  for (const { edge, client } of clients) {
    if (edge === owner) continue;
    const destroyed = await client.frame('destroyed');
    assert.equal(destroyed.reason, 'nodeCrashed');
    assert.equal(destroyed.uniqueSessionId, before.uniqueSessionId);
    assert.equal(client.closed, undefined, 'the socket stays for the next join');
  }
  // Usually milliseconds; far below the time after which a silent master would be missed.
  assert.ok(performance.now() - at < 1_000, `it took ${performance.now() - at} ms`);
  const lost = clients.find(({ edge }) => edge === owner);
  assert.ok(lost);
  await lost.client.closing();
  const welcome = await lost.client.frame('welcome');
  const back = await RawClient.hello(running.socketUrl, {
    resume: { ...welcome, received: welcome.seq, nextRequest: 1 },
  });
  assert.equal((await back.frame('destroyed')).reason, 'nodeCrashed');
  for (const { client } of [...clients, { client: back }]) client.close();
  await running.restarted(owner, pid);
});

test('with a token provider the SDK rebuilds the session without the application', async () => {
  const room = 'rebuilt';
  const clients = [1, 2, 3].map(() => new SdkClient());
  for (const { session } of clients) await session.connect(() => running.token(room));
  for (const client of clients) await client.happened('connectionCreated', clients.length);
  const objects = clients.map(({ session }) => session.connection);
  const ids = objects.map((connection) => connection?.connectionId);
  for (const client of clients) client.forget();
  const first = await until('it exists', () => running.session(room));
  const { owner, pid } = await killOwner(room);
  for (const client of clients) {
    const { durationMs, kind } = (await client.happened('rebuilt')).detail as RecoveredEvent;
    assert.equal(kind, 'rebuild');
    assert.ok(durationMs >= 0 && durationMs < 5_000, `${durationMs}`);
    const story = client.story().filter((event) => event !== 'reconnecting');
    assert.deepEqual(story, ['sessionDestroyed', 'rebuilding', 'rebuilt'], client.story().join(' '));
  }
  const second = await until('it exists again', () => running.session(room));
  assert.notEqual(second.uniqueSessionId, first.uniqueSessionId);
  assert.ok(second.epoch > first.epoch, 'the epoch must rise');
  assert.notEqual(second.owner, first.owner);
  for (const [at, { session }] of clients.entries()) {
    assert.equal(session.connection, objects[at], 'the same object');
    assert.notEqual(session.connection?.connectionId, ids[at], 'another membership');
  }
  await clients[0]?.session.signal({ data: 'we are back' });
  for (const client of clients) await until('the signal', () => client.signals.includes('we are back'));
  // No event says that a participant left, because all are the same as before.
  for (const client of clients)
    assert.equal(client.count('connectionDestroyed') + client.count('connectionCreated'), 0);
  const listed = await running.rest('GET', `/sessions/${room}/connection?pendingConnections=false`);
  assert.equal(listed.json['numberOfElements'], 3);
  for (const { session } of clients) session.disconnect();
  await running.restarted(owner, pid);
});

test('a signal to all also reaches participants that are not back yet', async () => {
  const room = 'not-back-yet';
  const quick = new SdkClient();
  const slow = new SdkClient();
  let crashed = false;
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await quick.session.connect(() => running.token(room));
  await slow.session.connect(async () => {
    if (crashed) await held;
    return running.token(room);
  });
  crashed = true;
  const { owner, pid } = await killOwner(room);
  await slow.happened('rebuilding');
  await quick.happened('rebuilt');
  await quick.session.signal({ data: 'are you there?' });
  assert.equal(slow.session.state, 'rebuilding');
  release();
  await slow.happened('rebuilt');
  await until('the signal', () => slow.signals.includes('are you there?'));
  assert.deepEqual(quick.signals, ['are you there?']);
  for (const { session } of [quick, slow]) session.disconnect();
  await running.restarted(owner, pid);
});

test('with a plain token the application gets an event, and can join again at once under the same id', async () => {
  const room = 'plain';
  const clients = [1, 2].map(() => new SdkClient());
  for (const { session } of clients) await session.connect(await running.token(room));
  const { owner, pid } = await killOwner(room);
  for (const client of clients) {
    const { reason } = (await client.happened('sessionDisconnected')).detail as SessionDisconnectedEvent;
    assert.equal(reason, 'nodeCrashed');
    const story = client.story();
    assert.ok(story.indexOf('sessionDestroyed') < story.indexOf('sessionDisconnected'), story.join(' '));
    assert.equal(client.count('rebuilding'), 0);
    await client.session.connect(await running.token(room));
  }
  await clients[0]?.session.signal({ data: 'again' });
  for (const client of clients) await until('the signal', () => client.signals.includes('again'));
  for (const { session } of clients) session.disconnect();
  await running.restarted(owner, pid);
});

test('the owner is killed while clients join: connect() settles, and with a provider it succeeds', async () => {
  const room = 'joining';
  await running.token(room);
  const clients = [1, 2, 3, 4].map(() => new SdkClient());
  const connecting = clients.map(({ session }) => session.connect(() => running.token(room)));
  const { owner, pid } = await killOwner(room);
  await Promise.all(connecting);
  await clients[0]?.session.signal({ data: 'all here' });
  for (const client of clients) await until('the signal', () => client.signals.includes('all here'));
  for (const { session } of clients) session.disconnect();
  await running.restarted(owner, pid);
});

test('the owner is killed between token and join: the SDK requests further tokens, but not forever', async () => {
  const room = 'between';
  const before = await running.token(room);
  const { owner, pid } = await killOwner(room);
  // Another client has begun the next life.
  const after = await running.token(room);
  const tokens = [before, after];
  const client = new SdkClient();
  await client.session.connect(async () => tokens.shift() ?? '');
  assert.equal(tokens.length, 0);
  await running.restarted(owner, pid);

  let asked = 0;
  const { session } = new SdkClient({ retry: { spreadMs: 10, baseMs: 10 } });
  const refused = session.connect(async () => {
    asked += 1;
    return after;
  });
  await assert.rejects(refused, { name: 'CONNECT_FAILED', code: 'TOKEN_USED' });
  assert.equal(asked, 3);
  client.session.disconnect();
});

test('the media node is killed: the session is rebuilt on another', async () => {
  const room = 'media';
  const client = new SdkClient();
  await client.session.connect(() => running.token(room));
  const mediaNode = await running.mediaNodeOf(room);
  const pid = running.cluster.kill(mediaNode);
  await client.happened('rebuilt');
  assert.notEqual(await running.mediaNodeOf(room), mediaNode);
  client.session.disconnect();
  await running.restarted(mediaNode, pid);
});

test('a frozen owner is declared dead; when it wakes up it is fenced and changes nothing', async () => {
  const room = 'frozen';
  const edge = 'master-1';
  const url = `${running.node(edge).url.replace('http', 'ws')}/rejoin`;
  const old = await RawClient.join(url, await running.token(room, { owner: 'master-2' }));
  await old.frame('welcome');
  const first = await until('it exists', () => running.session(room));
  const pid = running.cluster.kill('master-2', 'SIGSTOP');
  try {
    await until('its clients learn of it', () => old.frames.some(({ t }) => t === 'destroyed'), 8_000);
    const next = await RawClient.join(url, await running.token(room));
    await next.frame('welcome');
    const second = await until('it exists again', () => running.session(room));
    assert.ok(second.epoch > first.epoch);
    process.kill(pid, 'SIGCONT');
    await until('it has stepped down', () =>
      running
        .log('master-2')
        .some(({ msg, session }) => String(msg).startsWith('Stepped down') && session === first.uniqueSessionId),
    );
    next.send(signal);
    await until('the new life continues', () =>
      next.frames.some((frame) => frame.t === 'evt' && frame.event === 'signal'),
    );
    assert.deepEqual((await running.session(room))?.uniqueSessionId, second.uniqueSessionId);
    next.close();
    old.close();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

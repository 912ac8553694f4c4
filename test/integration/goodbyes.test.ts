import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { ConnectionEvent } from '../../src/client/events.ts';
import type { Goodbye, WelcomeFrame } from '../../src/protocol/frames.ts';
import type { ConnectionId, ResumeKey } from '../../src/protocol/ids.ts';
import { Asker } from '../fixtures/cluster/asker.ts';
import { cutSockets, makeSocketsCuttable } from '../fixtures/cluster/cuttable-socket.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { audioRtp } from '../fixtures/media-node/rtp.ts';
import { until } from '../fixtures/until.ts';

/**
 * Clients that leave at a bad moment. Others must not wait for them: neither for the grace period (20 s) nor for a
 * rebuild (15 s).
 */

/** A crash is known within milliseconds, and recovery takes a second or two on a busy machine. */
const SOON_MS = 8_000;

let running: RunningCluster;
before(async () => {
  makeSocketsCuttable();
  running = await RunningCluster.start();
});
after(() => running.stop());
beforeEach(() => running.rested());

const nameOf = (client: SdkClient): ConnectionId => client.session.connection.connectionId;

async function seenBy(watcher: SdkClient, id: ConnectionId): Promise<ConnectionId> {
  await until(`${id} is seen`, () => watcher.session.remoteConnections.has(id));
  return id;
}

/** The reason of a connection's end, from an event of `watcher`. */
function goneFor(watcher: SdkClient, id: ConnectionId): Promise<string> {
  return until(
    `${id} is gone, of ${watcher.story().join(' ')}`,
    () =>
      watcher.seen.flatMap(({ event, detail }) => {
        const { connection, reason } = detail as ConnectionEvent;
        return event === 'connectionDestroyed' && connection.connectionId === id ? [reason] : [];
      })[0],
    SOON_MS,
  );
}

/** Makes a session with a watcher that has a token function. */
async function watched(room: string, failover: 'takeover' | 'rebuild', token = () => running.token(room)) {
  const { status } = await running.rest('POST', '/sessions', { customSessionId: room, failover });
  assert.equal(status, 200);
  const watcher = new SdkClient();
  await watcher.session.connect(token);
  return watcher;
}

/** The same, but after the crash the watcher gets a token only after `letIn`. */
async function watchedLate(room: string): Promise<{ watcher: SdkClient; letIn: () => void }> {
  let letIn = (): void => {};
  const waits = new Promise<void>((resolve) => {
    letIn = resolve;
  });
  let tokens = 0;
  const watcher = await watched(room, 'rebuild', async () => {
    tokens += 1;
    if (tokens > 1) await waits;
    return running.token(room);
  });
  return { watcher, letIn };
}

async function killOwner(room: string): Promise<() => Promise<void>> {
  const owner = await running.ownerOf(room);
  const pid = running.cluster.kill(owner);
  return () => running.restarted(owner, pid);
}

for (const failover of ['takeover', 'rebuild'] as const) {
  test(`disconnect() at the very moment of the owner's death (${failover}): the others do not wait`, async () => {
    const room = `at-death-${failover}`;
    const watcher = await watched(room, failover);
    // At both masters, because an edge may die with the owner.
    const leavers = [new SdkClient(), new SdkClient(), new SdkClient()];
    for (const { session } of leavers) await session.connect(() => running.token(room));
    const ids = await Promise.all(leavers.map((leaver) => seenBy(watcher, nameOf(leaver))));
    const owner = await running.ownerOf(room);
    const pid = running.cluster.kill(owner);
    for (const { session } of leavers) session.disconnect();
    for (const id of ids) assert.equal(await goneFor(watcher, id), 'disconnect');
    for (const { seen } of leavers) assert.equal(seen.filter(({ event }) => event === 'sessionDisconnected').length, 1);
    if (failover === 'takeover') assert.equal(watcher.count('rebuilding'), 0);
    await running.restarted(owner, pid);
  });
}

test('a client with a plain token joins again in its own handler: its former connection disappears at once', async () => {
  const room = 'plain';
  const watcher = await watched(room, 'rebuild');
  const plain = new SdkClient();
  await plain.session.connect(await running.token(room));
  const former = await seenBy(watcher, nameOf(plain));
  const again = new SdkClient();
  const joined = new Promise<void>((resolve, reject) => {
    plain.session.on('sessionDisconnected', () => {
      running
        .token(room)
        .then((token) => again.session.connect(token))
        .then(resolve, reject);
    });
  });
  const restarted = await killOwner(room);
  assert.equal(await goneFor(watcher, former), 'disconnect');
  await joined;
  const id = nameOf(again);
  await until('the watcher sees it once', () => [...watcher.session.remoteConnections.keys()].join() === id);
  await restarted();
});

for (const [how, options, token] of [
  ['disconnect() while it waits for a token', {}, () => new Promise<string>(() => {})],
  ['its token function fails for good', {}, () => Promise.reject(Object.assign(new Error('no'), { status: 401 }))],
  ['its time limit passes', { retry: { giveUpAfterMs: 300 } }, () => new Promise<string>(() => {})],
] as const) {
  test(`a client does not come back after the crash, ${how}: the others do not wait for it`, async () => {
    const room = `no-return-${how.length}`;
    const watcher = await watched(room, 'rebuild');
    const leaver = new SdkClient(options);
    let first: string | undefined = await running.token(room);
    await leaver.session.connect(() => {
      const given = first;
      first = undefined;
      return given ?? token();
    });
    const id = await seenBy(watcher, nameOf(leaver));
    const restarted = await killOwner(room);
    await leaver.happened('rebuilding');
    if (how.startsWith('disconnect')) leaver.session.disconnect();
    await leaver.happened('sessionDisconnected');
    assert.equal(await goneFor(watcher, id), 'disconnect');
    await restarted();
  });
}

test('a client that returns last learns of goodbyes from before the next life', async () => {
  const room = 'late';
  const { watcher, letIn } = await watchedLate(room);
  const plain = new SdkClient();
  await plain.session.connect(await running.token(room));
  const id = await seenBy(watcher, nameOf(plain));
  const restarted = await killOwner(room);
  await plain.happened('sessionDisconnected');
  await until('the goodbye is kept', () =>
    ['master-1', 'master-2'].some((master) =>
      running.log(master).some(({ connection, msg }) => connection === id && msg === 'Kept a goodbye in the store.'),
    ),
  );
  letIn();
  await watcher.happened('rebuilt');
  assert.equal(await goneFor(watcher, id), 'disconnect');
  await restarted();
});

test('a member of the next life leaves before another one returns, which then does not wait for it', async () => {
  const room = 'overtaken';
  const { watcher, letIn } = await watchedLate(room);
  const [leaver, host] = [new SdkClient(), new SdkClient()];
  for (const { session } of [leaver, host]) await session.connect(() => running.token(room));
  const id = await seenBy(watcher, nameOf(leaver));
  const restarted = await killOwner(room);
  for (const client of [leaver, host]) await client.happened('rebuilt');
  const present = nameOf(leaver);
  leaver.session.disconnect();
  assert.equal(await goneFor(host, present), 'disconnect');
  letIn();
  await watcher.happened('rebuilt');
  assert.equal(await goneFor(watcher, id), 'disconnect');
  await restarted();
});

test('disconnect() during a join leaves no member behind', async () => {
  const room = 'joining';
  const watcher = await watched(room, 'rebuild');
  for (let n = 0; n < 8; n += 1) {
    const client = new SdkClient();
    const token = await running.token(room);
    const joining = client.session.connect(token).then(
      () => 'joined',
      ({ code }: { code: string }) => code,
    );
    await new Promise((resolve) => setTimeout(resolve, n * 4));
    client.session.disconnect();
    assert.ok(['joined', 'CONNECT_CANCELLED'].includes(await joining));
  }
  await until('only the watcher remains', async () => {
    const { json } = await running.rest('GET', `/sessions/${room}`);
    const { content } = json['connections'] as { content: { status: string }[] };
    return content.filter(({ status }) => status === 'active').length === 1;
  });
  assert.equal(watcher.count('connectionPresence'), 0);
});

test('disconnect() while reconnecting, over a network that returns only later', async () => {
  const room = 'reconnecting';
  const watcher = await watched(room, 'takeover');
  const leaver = new SdkClient();
  await leaver.session.connect(() => running.token(room));
  const id = await seenBy(watcher, nameOf(leaver));
  cutSockets();
  await leaver.happened('reconnecting');
  leaver.session.disconnect();
  assert.equal(await goneFor(watcher, id), 'disconnect');
});

function post(base: string, { sessionId, uniqueSessionId, connectionId, resumeKey }: Goodbye): Promise<Response> {
  const goodbye = { sessionId, uniqueSessionId, connectionId, resumeKey };
  return fetch(`${base}/rejoin`, { method: 'POST', body: JSON.stringify(goodbye) });
}

/** A client whose page is about to close: its socket breaks without a goodbye. */
async function closing(room: string, watcher: SdkClient): Promise<WelcomeFrame> {
  const client = await RawClient.join(running.socketUrl, await running.token(room));
  const welcome = await client.frame('welcome');
  client.send({ t: 'ack', seq: 0 });
  await seenBy(watcher, welcome.connectionId);
  client.cut();
  return welcome;
}

test("a closing page's beacon ends its connection at once; one without the resume key does nothing", async () => {
  const room = 'beacon';
  const watcher = await watched(room, 'rebuild');
  const welcome = await closing(room, watcher);
  const wrong = { ...welcome, resumeKey: 'somebody else’s' as ResumeKey };
  for (const base of [running.url, running.node('master-1').url, running.node('master-2').url]) {
    assert.equal((await post(base, wrong)).status, 204);
  }
  // The watcher only sees the absence.
  await watcher.happened('connectionPresence');
  assert.equal(watcher.count('connectionDestroyed'), 0);
  const answer = await post(running.url, welcome);
  assert.equal(answer.status, 204);
  assert.equal(await goneFor(watcher, welcome.connectionId), 'disconnect');
  assert.equal((await post(running.url, welcome)).status, 204);
});

test('a beacon at the moment of the owner’s death waits for the next owner, whichever master is asked first', async () => {
  const room = 'beacon-takeover';
  const watcher = await watched(room, 'takeover');
  const welcomes = [await closing(room, watcher), await closing(room, watcher), await closing(room, watcher)];
  const owner = await running.ownerOf(room);
  const pid = running.cluster.kill(owner);
  // Through the balancer, which does not know of the crash yet: each request begins with another master.
  const answers = await Promise.all(welcomes.map((welcome) => post(running.url, welcome)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [204, 204, 204],
  );
  for (const { connectionId } of welcomes) assert.equal(await goneFor(watcher, connectionId), 'disconnect');
  await running.restarted(owner, pid);
});

test('a beacon for a crashed life is kept for the next one, but only with the resume key', async () => {
  const room = 'beacon-rebuild';
  const { watcher, letIn } = await watchedLate(room);
  const [closed, robbed] = [await closing(room, watcher), await closing(room, watcher)];
  const restarted = await killOwner(room);
  await watcher.happened('rebuilding');
  assert.equal((await post(running.url, closed)).status, 204);
  assert.equal((await post(running.url, { ...robbed, resumeKey: closed.resumeKey })).status, 204);
  letIn();
  await watcher.happened('rebuilt');
  assert.equal(await goneFor(watcher, closed.connectionId), 'disconnect');
  assert.ok(watcher.session.remoteConnections.has(robbed.connectionId), 'the other one may still come back');
  await restarted();
});

test('a page closes during its return: its connection in the next life ends, whether the beacon precedes the join or not', async () => {
  const room = 'beacon-join';
  const watcher = await watched(room, 'rebuild');
  const [after, before] = [await closing(room, watcher), await closing(room, watcher)];
  const restarted = await killOwner(room);
  await watcher.happened('rebuilt');
  // The page has not received the welcome, so it knows only its former connection.
  const previousOf = ({ uniqueSessionId, connectionId, resumeKey }: WelcomeFrame) => ({
    uniqueSessionId,
    connectionId,
    resumeKey,
  });
  const joined = await RawClient.join(running.socketUrl, await running.token(room), 'k1', previousOf(after));
  const { connectionId } = await joined.frame('welcome');
  await seenBy(watcher, connectionId);
  assert.equal((await post(running.url, after)).status, 204);
  assert.equal(await goneFor(watcher, connectionId), 'disconnect');

  assert.equal((await post(running.url, before)).status, 204);
  assert.equal(await goneFor(watcher, before.connectionId), 'disconnect');
  const late = await RawClient.join(running.socketUrl, await running.token(room), 'k2', previousOf(before));
  assert.equal((await late.frame('refused')).error.code, 'CONNECTION_UNKNOWN');
  assert.equal(watcher.session.remoteConnections.size, 0);
  await restarted();
});

test('a rebuild announces its streams; one that does not come back ends for the others at once', async () => {
  const room = 'brings';
  await running.rest('POST', '/sessions', { customSessionId: room, failover: 'rebuild' });
  const before = [await Asker.join(running, room), await Asker.join(running, room)] as const;
  const restarted = await killOwner(room);
  const watcher = await Asker.join(running, room);
  const previousOf = ({ welcome: { uniqueSessionId, connectionId, resumeKey } }: Asker, streams: string[]) => ({
    uniqueSessionId,
    connectionId,
    resumeKey,
    streams,
  });
  const back = await Asker.join(running, room, { previous: previousOf(before[0], ['aaaa', 'bbbb']) });
  const lesser = await Asker.join(running, room, { role: 'SUBSCRIBER', previous: previousOf(before[1], ['cccc']) });
  await watcher.happened('connectionCreated', 2);
  const told = (): unknown =>
    watcher.told('connectionCreated').map(({ connection }) => [connection.replaces, connection.awaitedStreams]);
  // A client that may not publish announces no stream.
  assert.deepEqual(told(), [
    [[before[0].id], ['aaaa', 'bbbb']],
    [[before[1].id], []],
  ]);

  const name = (key: string, { id }: Asker) => `str_CAM_${key}_${id}`;
  assert.equal(await back.refusal('unpublish', { streamId: name('zzzz', before[0]) }), 'STREAM_UNKNOWN');
  await back.request('unpublish', { streamId: name('bbbb', before[0]) });
  assert.deepEqual(await watcher.happened('streamDestroyed'), { streamId: name('bbbb', back), reason: 'unpublish' });
  assert.equal(await back.refusal('unpublish', { streamId: name('bbbb', before[0]) }), 'STREAM_UNKNOWN');
  assert.equal(await lesser.refusal('unpublish', { streamId: name('cccc', before[1]) }), 'STREAM_UNKNOWN');

  const awaited = async (): Promise<unknown> => {
    const { snapshot } = await Asker.join(running, room);
    return snapshot.others.find(({ connectionId }) => connectionId === back.id)?.awaitedStreams;
  };
  assert.deepEqual(await awaited(), ['aaaa']);
  const transport = { key: 'up', direction: 'send' };
  await back.request('createTransport', transport);
  const producers = [{ kind: 'audio', rtpParameters: audioRtp(), active: true }];
  await back.request('publish', { key: 'aaaa', transport: 'up', producers });
  assert.deepEqual(await awaited(), []);
  assert.equal(watcher.told('streamDestroyed').length, 1);
  await restarted();
});

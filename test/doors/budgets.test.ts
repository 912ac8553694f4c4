import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import type { ConnectionEvent } from '../../src/client/events.ts';
import type { ServerFrame } from '../../src/protocol/frames.ts';
import { randomText } from '../../src/protocol/ids.ts';
import { Asker } from '../fixtures/cluster/asker.ts';
import { cutSockets, makeSocketsCuttable } from '../fixtures/cluster/cuttable-socket.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { audioRtp } from '../fixtures/media-node/rtp.ts';
import { until } from '../fixtures/until.ts';

/** A member can use its share of the masters' memory, but not more, and cannot displace others. */

const KB = 1024;
const MB = 1024 * KB;
const LONG = 60_000;

let running: RunningCluster;
before(async () => {
  makeSocketsCuttable();
  running = await RunningCluster.start({ timing: { resumeGraceMs: 60_000 } });
});
after(() => running.stop());
beforeEach(() => running.rested());

const signalsOf = ({ frames }: RawClient): string[] =>
  frames.flatMap((frame) => (frame.t === 'evt' && frame.event === 'signal' ? String(frame.data.id) : []));

/** Counts the answers by code. */
function answersOf({ frames }: RawClient): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const frame of frames) {
    if (frame.t !== 'res') continue;
    const code = 'error' in frame ? frame.error.code : 'ok';
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

const total = (counts: Record<string, number>): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Sends the requests again after a resume, as a client would. */
async function resume(welcome: Extract<ServerFrame, { t: 'welcome' }>, received: number, nextRequest = 1) {
  const client = await RawClient.hello(running.socketUrl, { resume: { ...welcome, received, nextRequest } });
  return { client, welcome: await client.frame('welcome') };
}

function memoryOf(node: string): number {
  const status = readFileSync(`/proc/${running.node(node).pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * KB;
}

test('only the sender pays for a flood of signals: nobody is disconnected, and accepted signals arrive once', async () => {
  const room = 'flood';
  const watcher = await Asker.join(running, room);
  const victim = await RawClient.join(running.socketUrl, await running.token(room));
  const place = await victim.frame('welcome');
  victim.cut();
  await watcher.happened('connectionPresence');
  const flooder = await Asker.join(running, room, { role: 'SUBSCRIBER' });
  const count = 2_500;
  for (let n = 0; n < count; n += 1) flooder.send('signal', { id: `s${n}`, data: 'x', to: [place.connectionId] });
  await until('all are answered', () => total(answersOf(flooder.client)) === count, LONG);
  const answers = answersOf(flooder.client);
  assert.ok((answers['RATE_LIMITED'] ?? 0) > 500, `slowed, then refused: ${JSON.stringify(answers)}`);
  assert.ok((answers['OUTBOX_OVERFLOW'] ?? 0) > 0, `no more than its share: ${JSON.stringify(answers)}`);
  assert.deepEqual(watcher.told('connectionDestroyed'), []);
  // Other senders still get through.
  await watcher.request('signal', { id: 'other', to: [place.connectionId] });

  const accepted = flooder.client.frames.flatMap((frame) =>
    frame.t === 'res' && 'data' in frame ? `s${frame.id - 1}` : [],
  );
  const back = await resume(place, place.seq);
  await until('it has received all', () => signalsOf(back.client).length > accepted.length);
  assert.deepEqual(signalsOf(back.client), [...accepted.toSorted(byNumber), 'other']);
  back.client.close();
  await flooder.leave();
  await watcher.leave();
});

const byNumber = (a: string, b: string): number => Number(a.slice(1)) - Number(b.slice(1));

test('unacknowledged signals take little memory, and little of the store', async () => {
  const room = 'hoard';
  const hoarder = await RawClient.join(running.socketUrl, await running.token(room));
  const { connectionId } = await hoarder.frame('welcome');
  const owner = await running.ownerOf(room);
  const before = memoryOf(owner);
  const data = 'x'.repeat(60_000);
  let most = before;
  const measure = setInterval(() => {
    most = Math.max(most, memoryOf(owner));
  }, 50);
  for (let n = 0; n < 1_900; n += 1) {
    hoarder.send({ t: 'req', id: n + 1, method: 'signal', data: { id: `h${n}`, data, to: [connectionId] } });
  }
  const end = await until('it is slowed, and then refused', () => hoarder.closed, LONG);
  clearInterval(measure);
  // A client that is still sending may be cut before it has read the reason: then it sees only the end.
  assert.ok(end.code === 4429 || end.code === 1006, `${end.code}`);
  if (end.code === 4429) assert.equal((await hoarder.frame('error')).error.code, 'RATE_LIMITED');
  // Most of it is garbage that the collector has not freed yet.
  assert.ok(most - before < 150 * MB, `${Math.round((most - before) / MB)} MB`);
  const store = statSync(running.storeFile).size;
  assert.ok(store < 10 * MB, `${Math.round(store / MB)} MB`);
});

test('transports and streams of a connection are limited, and a subscriber gets no send transport', async () => {
  const room = 'caps';
  const subscriber = await Asker.join(running, room, { role: 'SUBSCRIBER' });
  assert.equal(await subscriber.refusal('createTransport', { key: 't', direction: 'send' }), 'NOT_PERMITTED');
  for (let n = 0; n < 40; n += 1) {
    subscriber.send('createTransport', {
      key: `r${n}`,
      direction: 'recv',
      rtpCapabilities: subscriber.snapshot.media.rtpCapabilities,
    });
  }
  await until('all are answered', () => total(answersOf(subscriber.client)) === 41);
  assert.deepEqual(answersOf(subscriber.client), { ok: 16, LIMIT_REACHED: 24, NOT_PERMITTED: 1 });
  // A repeated key returns the existing transport, and a closed transport frees room for another.
  await subscriber.request('createTransport', { key: 'r3', direction: 'recv' });
  await subscriber.request('closeTransport', { key: 'r3' });
  await subscriber.request('createTransport', { key: 'another', direction: 'recv' });

  const publisher = await Asker.join(running, room);
  await publisher.request('createTransport', { key: 'up', direction: 'send' });
  const before = total(answersOf(publisher.client));
  const keys = Array.from({ length: 40 }, (_, n) => `k${String(n).padStart(3, '0')}`);
  for (const key of keys) {
    const producers = [{ kind: 'audio', rtpParameters: audioRtp(), active: true }];
    publisher.send('publish', { key, transport: 'up', producers });
  }
  await until('all are answered', () => total(answersOf(publisher.client)) === before + keys.length);
  assert.equal(answersOf(publisher.client)['LIMIT_REACHED'], 24);
  assert.equal(subscriber.told('streamCreated').length, 16);
  for (const member of [subscriber, publisher]) await member.leave();
});

test('a member that becomes a subscriber loses its send transport', async () => {
  const member = await Asker.join(running, 'demoted');
  const streamId = await member.publish();
  const base = `/sessions/demoted/connection/${member.id}`;
  await running.rest('PATCH', base, { role: 'SUBSCRIBER' });
  await member.happened('connectionChanged');
  assert.equal((await member.happened('streamDestroyed')).streamId, streamId);
  assert.equal(await member.refusal('createTransport', { key: 'x', direction: 'send' }), 'NOT_PERMITTED');
  await running.rest('PATCH', base, { role: 'PUBLISHER' });
  await member.happened('connectionChanged', 2);
  const first = member.client.frames.find((frame) => frame.t === 'res' && frame.id === 1);
  assert.ok(first && 'data' in first);
  const producers = [{ kind: 'audio', rtpParameters: audioRtp(), active: true }];
  assert.equal(
    await member.refusal('publish', { key: 'abcd', transport: member.transports[0], producers }),
    'TRANSPORT_UNKNOWN',
  );
  await member.leave();
});

test('too many events for an absent member disconnect nobody: it gets a snapshot on its return', async () => {
  const room = 'pile';
  const sdk = new SdkClient({ retry: { spreadMs: LONG } });
  await sdk.session.connect(await running.token(room));
  const away = await RawClient.join(running.socketUrl, await running.token(room));
  const place = await away.frame('welcome');
  // Accepted, but the answer reaches nobody.
  away.send({ t: 'req', id: 1, method: 'reportQuality', data: { level: 4 } });
  away.send({ t: 'req', id: 2, method: 'signal', data: { id: 'own', to: [place.connectionId] } });
  await until('its signal is there', () => signalsOf(away).length === 1);
  await until('one is answered', () => away.frames.some((frame) => frame.t === 'res' && frame.id === 1));
  const received = Math.max(
    ...away.frames.flatMap((frame) => (frame.t === 'res' || frame.t === 'evt' ? frame.seq : [])),
  );
  away.cut();
  const others = await Promise.all([1, 2].map(() => Asker.join(running, room)));
  const [first] = others;
  assert.ok(first);
  cutSockets();
  await until('they are away', () => others.every((other) => other.told('connectionPresence').length > 1));
  const asked = sdk.session.signal({ data: 'from the absent' });
  const streams = await Promise.all(others.map((other) => other.publish('audio')));
  const times = 1_040;
  for (let n = 0; n < times; n += 1) for (const other of others) other.send('reportQuality', { level: n % 2 });
  await Promise.all(
    others.map((other, at) => other.request('setActive', { streamId: streams[at], kind: 'audio', active: false })),
  );
  await first.request('signal', { id: 'said', data: 'said to all' });
  assert.deepEqual(first.told('connectionDestroyed'), []);

  const lost = await resume(place, received, 2);
  assert.equal(lost.welcome.snapshot?.others.length, 3);
  // The welcome may be lost on its way: a second resume gets it again.
  const back = await resume(place, received, 2);
  assert.equal(back.welcome.resumed, true);
  assert.equal(back.welcome.epoch, place.epoch);
  assert.equal(back.welcome.requestsTaken, 2, 'it has the same owner');
  assert.equal(back.welcome.snapshot?.others.length, 3);
  assert.ok(back.welcome.snapshot?.others.every(({ streams: [stream] }) => !stream?.audioActive));
  await until('its answer and the signal have arrived', () => signalsOf(back.client).length === 1);
  const numbered = back.client.frames.flatMap((frame) => (frame.t === 'res' || frame.t === 'evt' ? frame : []));
  assert.deepEqual(
    numbered.map(({ seq }) => seq - back.welcome.seq),
    numbered.map((_, at) => at + 1),
  );
  assert.deepEqual(
    numbered.flatMap((frame) => (frame.t === 'res' ? frame.id : [])),
    [2],
  );
  assert.deepEqual(signalsOf(back.client), ['said']);

  sdk.session.reconnectNow();
  await sdk.happened('reconnected');
  await asked;
  await until('it has received its own signal', () => sdk.signals.includes('from the absent'));
  assert.deepEqual(sdk.signals, ['said to all', 'from the absent']);
  const shown = sdk.seen.flatMap(({ event, detail }) =>
    event === 'connectionCreated' ? (detail as ConnectionEvent).connection.streams : [],
  );
  assert.deepEqual(
    shown.map(({ audioActive }) => audioActive),
    [false, false],
  );
  assert.equal(sdk.count('exception') + sdk.count('connectionDestroyed') + sdk.count('sessionDisconnected'), 0);
  sdk.session.disconnect();
  back.client.close();
  for (const other of others) await other.leave();
});

test('a living member that acknowledges nothing must resume', async () => {
  const room = 'deaf';
  const deaf = await RawClient.join(running.socketUrl, await running.token(room));
  const place = await deaf.frame('welcome');
  const pings = setInterval(() => deaf.send({ t: 'ping' }), 1_000);
  const other = await Asker.join(running, room);
  other.send('signal', { id: 'heard?', to: [place.connectionId] });
  assert.equal((await until('its socket is closed', () => deaf.closed, 25_000)).code, 4408);
  clearInterval(pings);
  const back = await resume(place, place.seq);
  await until('it is there', () => signalsOf(back.client).length === 1);
  back.client.close();
  await other.leave();
});

test('a flood of pings is slowed, then refused with a named error', async () => {
  const client = await RawClient.join(running.socketUrl, await running.token('pings'), randomText(8));
  await client.frame('welcome');
  const flood = setInterval(() => {
    if (client.closed) return;
    for (let n = 0; n < 2_000; n += 1) client.send({ t: 'ping' });
  }, 100);
  try {
    assert.equal((await until('it is refused', () => client.closed, LONG)).code, 4429);
    assert.equal((await client.frame('error')).error.code, 'RATE_LIMITED');
  } finally {
    clearInterval(flood);
  }
});

test('a signal of the REST API is refused with a named error if a member has no room for it', async () => {
  const room = 'server-floods';
  const watcher = await Asker.join(running, room);
  const away = await RawClient.join(running.socketUrl, await running.token(room));
  const { connectionId } = await away.frame('welcome');
  away.cut();
  await watcher.happened('connectionPresence');
  const { url: base } = running.node(await running.ownerOf(room));
  const body = { session: room, to: [connectionId], data: 'x'.repeat(60_000) };
  const say = () => running.rest('POST', '/signal', body, { base });
  const answers = [];
  for (let n = 0; n < 40; n += 1) answers.push(await say());
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length > 0 && answers.every(({ status }) => status === 200 || status === 429));
  assert.match(String(refused[0]?.json['message']), new RegExp(`OUTBOX_OVERFLOW.*${connectionId}`));
  assert.ok(refused[0]?.headers.get('retry-after'));
  assert.deepEqual(watcher.told('connectionDestroyed'), []);
  await watcher.leave();
});

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { ServerFrame } from '../../src/protocol/frames.ts';
import { parseTokenUrl } from '../../src/protocol/token-url.ts';
import { cutSockets, makeSocketsCuttable, socketsMade } from '../fixtures/cluster/cuttable-socket.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { CLIENTS, type DelayOptions, FaultNet } from '../fixtures/faults/fault-net.ts';
import { until } from '../fixtures/until.ts';

const NET = new FaultNet(15);
const BALANCER = 'balancer-1';
const KB = 1024;
const SLOW: DelayOptions = { ms: 20, bytesPerSecond: 64 * KB };
/** Size of a room whose snapshot is 300 KB. */
const CROWD = 20;
const METADATA = 'm'.repeat(15 * KB);

let running: RunningCluster;
const crowds: RawClient[] = [];

before(async () => {
  makeSocketsCuttable();
  running = await RunningCluster.start({ reachedAt: NET.reachedAt, timing: { verdictMs: 1_500, beatMs: 300 } });
});
after(async () => {
  await running.stop();
  await NET.close();
});
afterEach(() => {
  NET.heal();
  for (const client of crowds.splice(0)) client.close();
  for (const { session } of SdkClient.all.splice(0)) session.disconnect();
});

/** Makes a session at `master-1`. Requests for it go to masters directly, over fast links. */
async function aRoom(room: string, failover: 'rebuild' | 'takeover'): Promise<void> {
  const { url: base } = running.node('master-1');
  const { status } = await running.rest('POST', '/sessions', { customSessionId: room, failover }, { base });
  assert.equal(status, 200);
}

function token(room: string, master = 'master-1'): Promise<string> {
  return until(`a token for ${room}`, async () => {
    const { url: base } = running.node(master);
    const { json } = await running.rest('POST', `/sessions/${room}/connection`, {}, { base });
    return json['token'] as string | undefined;
  });
}

/** Adds many members with large metadata, over fast links, at the master that does not own the room. */
async function crowd(room: string): Promise<RawClient[]> {
  const { url } = running.node('master-2');
  const clients = await Promise.all(
    Array.from({ length: CROWD }, async (_, n) => {
      const parsed = parseTokenUrl(await token(room, 'master-2'));
      assert.ok(parsed);
      const join = { sessionId: room, token: parsed.token, key: `${n}`, metadata: METADATA };
      const client = await RawClient.hello(`${url.replace('http', 'ws')}/rejoin`, { join });
      client.acknowledges = true;
      await client.frame('welcome');
      return client;
    }),
  );
  crowds.push(...clients);
  return clients;
}

/** Number of sockets made during `work`. */
async function socketsDuring(work: () => Promise<unknown>): Promise<number> {
  const made = socketsMade();
  await work();
  return socketsMade() - made;
}

function othersOf({ session }: SdkClient): number {
  return session.remoteConnections.size;
}

test('64 KB/s: a room of 300 KB is joined over the first socket', async () => {
  await aRoom('slow-join', 'takeover');
  await crowd('slow-join');
  const client = new SdkClient();
  const way = await token('slow-join');
  NET.delay(CLIENTS, BALANCER, SLOW);
  assert.equal(await socketsDuring(() => client.session.connect(way)), 1);
  assert.equal(othersOf(client), CROWD);
});

test('64 KB/s: a client that returns to 300 KB of signals gets them over one socket, each once', async () => {
  await aRoom('slow-resume', 'takeover');
  const client = new SdkClient({ retry: { spreadMs: 600_000 } });
  await client.session.connect(await token('slow-resume'));
  const sender = await RawClient.join(
    `${running.node('master-2').url.replace('http', 'ws')}/rejoin`,
    await token('slow-resume'),
  );
  sender.acknowledges = true;
  crowds.push(sender);
  cutSockets();
  await client.happened('reconnecting');
  const said = Array.from({ length: 6 }, (_, n) => `${n}${'s'.repeat(50 * KB)}`);
  for (const [n, data] of said.entries())
    sender.send({ t: 'req', id: n + 1, method: 'signal', data: { id: `${n}`, data } });
  await until('it has sent all', () => sender.frames.filter(({ t }) => t === 'evt').length >= said.length);
  NET.delay(CLIENTS, BALANCER, SLOW);
  const made = await socketsDuring(async () => {
    client.session.reconnectNow();
    await until('all have arrived', () => client.signals.length === said.length);
  });
  assert.deepEqual(client.signals, said);
  assert.equal(made, 1);
  assert.equal(client.count('reconnected'), 1);
});

test('64 KB/s: another owner takes a room of 300 KB over, and its client resumes over one socket', async () => {
  await aRoom('slow-takeover', 'takeover');
  const client = new SdkClient();
  await client.session.connect(await token('slow-takeover'));
  await crowd('slow-takeover');
  await until('it knows all members', () => othersOf(client) === CROWD);
  NET.delay(CLIENTS, BALANCER, SLOW);
  const pid = running.cluster.kill('master-1');
  // At most one, because its edge may survive.
  const made = await socketsDuring(async () => {
    const before = await running.session('slow-takeover');
    await until('another owner', async () => (await running.session('slow-takeover'))?.epoch !== before?.epoch);
    await until('it is served', () => client.session.signal({ data: 'served' }).then(() => true));
  });
  assert.ok(made <= 1, `${made} sockets`);
  assert.equal(othersOf(client), CROWD);
  await running.restarted('master-1', pid);
});

test('64 KB/s: a room of 300 KB is rebuilt over one socket', async () => {
  await aRoom('slow-rebuild', 'rebuild');
  const client = new SdkClient();
  const first = await token('slow-rebuild');
  let rebuilding = false;
  await client.session.connect(async () => {
    if (!rebuilding) return first;
    const { url: base } = running.node('master-2');
    await running.rest('POST', '/sessions', { customSessionId: 'slow-rebuild', failover: 'rebuild' }, { base });
    // The others return faster.
    await crowd('slow-rebuild');
    return token('slow-rebuild', 'master-2');
  });
  rebuilding = true;
  NET.delay(CLIENTS, BALANCER, SLOW);
  const pid = running.cluster.kill('master-1');
  const made = await socketsDuring(() => client.happened('rebuilt', 1, 30_000));
  assert.ok(made <= 1, `${made} sockets`);
  assert.equal(client.count('rebuilding'), 1);
  assert.equal(othersOf(client), CROWD);
  await running.restarted('master-1', pid);
});

test('16 KB/s: a welcome that takes longer than the limit for acknowledgements is not a silence', async () => {
  await aRoom('slower', 'takeover');
  const [talker] = await crowd('slower');
  const client = new SdkClient();
  const way = await token('slower');
  NET.delay(CLIENTS, BALANCER, { ms: 20, bytesPerSecond: 16 * KB });
  const made = await socketsDuring(async () => {
    const joined = client.session.connect(way);
    // It has no metadata.
    const isNew = (frame: ServerFrame): boolean =>
      frame.t === 'evt' && frame.event === 'connectionCreated' && frame.data.connection.data === '';
    await until('it is about to be welcomed', () => talker?.frames.some(isNew));
    // Queued behind the welcome.
    talker?.send({ t: 'req', id: 1, method: 'signal', data: { id: 'x', data: 'behind' } });
    await joined;
    await until('it has it', () => client.signals.length === 1);
    // A close would have followed it.
    await client.session.signal({ data: 'still the same' });
  });
  assert.equal(made, 1);
});

test('a round trip of 3 s: a quiet session keeps its socket, whichever side pings', async () => {
  await aRoom('far', 'takeover');
  const asks = new SdkClient();
  const [way, other] = [await token('far'), await token('far')];
  NET.delay(CLIENTS, BALANCER, { ms: 1_500 });
  // Its own timers run once a minute, so only its browser answers.
  const sleeps = RawClient.join(running.socketUrl, other);
  await asks.session.connect(way);
  const raw = await sleeps;
  crowds.push(raw);
  await raw.frame('welcome');
  raw.acknowledges = true;
  const made = socketsMade();
  const begun = performance.now();
  await until('it has been quiet for 20 s', () => performance.now() - begun > 20_000, 25_000);
  assert.equal(socketsMade(), made);
  assert.deepEqual([asks.count('reconnecting'), raw.closed], [0, undefined]);
  // A page that becomes visible probes its socket.
  asks.session.reconnectNow();
  await asks.session.signal({ data: 'still here' });
  assert.equal(asks.count('reconnecting'), 0);
});

test('a round trip of 4 s: a session is joined over the first socket', async () => {
  await aRoom('farther', 'takeover');
  const way = await token('farther');
  NET.delay(CLIENTS, BALANCER, { ms: 2_000 });
  const { session } = new SdkClient();
  assert.equal(await socketsDuring(() => session.connect(way)), 1);
});

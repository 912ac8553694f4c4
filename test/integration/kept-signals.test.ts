import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import type { SignalEvent } from '../../src/client/events.ts';
import { parseTokenUrl } from '../../src/protocol/token-url.ts';
import type { FailoverPolicy } from '../../src/server/store/store.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({
    masters: 3,
    timing: { verdictMs: 1_500, beatMs: 300, resumeGraceMs: 30_000 },
  });
});
after(() => running.stop());
beforeEach(() => running.rested());

interface Scene {
  /** Its edge survives; its owner lives until the test kills it. */
  readonly sender: SdkClient;
  /** Absent, because its only edge is frozen. */
  readonly absent: SdkClient;
  readonly ownerPid: number;
  /** Resumes its edge. */
  readonly comeBack: () => void;
}

let thaw = (): void => {};
afterEach(() => thaw());

function freeze(node: string): void {
  const pid = running.cluster.kill(node, 'SIGSTOP');
  thaw = () => {
    thaw = () => {};
    process.kill(pid, 'SIGCONT');
  };
}

async function sceneOf(room: string, failover: FailoverPolicy): Promise<Scene> {
  const owner = running.node('master-2');
  const created = await running.rest('POST', '/sessions', { customSessionId: room, failover }, { base: owner.url });
  assert.equal(created.status, 200);
  const clientAt = (edge: string): SdkClient =>
    new SdkClient({ urls: [running.node(edge).url.replace('http', 'ws')], retry: { capMs: 500 } });
  const [sender, absent] = [clientAt('master-1'), clientAt('master-3')];
  for (const { session } of [absent, sender]) await session.connect(() => running.token(room));
  freeze('master-3');
  await sender.happened('connectionPresence');
  return { sender, absent, ownerPid: owner.pid, comeBack: () => thaw() };
}

function connectionOf({ session }: SdkClient) {
  assert.ok(session.connection);
  return session.connection;
}

test('nobody waits for an absent client, and a returning client has missed nothing', async () => {
  const { sender, absent, comeBack } = await sceneOf('waits', 'takeover');
  const said = Array.from({ length: 40 }, (_, n) => `${n}`);
  const began = performance.now();
  for (const data of said) await sender.session.signal({ data });
  const tookMs = performance.now() - began;
  assert.ok(tookMs < 10_000, `${tookMs} ms, as if the sender had waited for each`);
  const { connectionId } = connectionOf(absent);
  assert.deepEqual(await running.keptFor(connectionId), said);
  assert.deepEqual(absent.signals, []);
  comeBack();
  await absent.happened('reconnected');
  await until('all have arrived', () => absent.signals.length >= said.length);
  assert.deepEqual(absent.signals, said);
  await until('the store keeps nothing any more', async () => (await running.keptFor(connectionId)).length === 0);
  for (const { session } of [sender, absent]) session.disconnect();
});

test('a takeover: kept signals arrive once, in order, before those sent to the new owner', async () => {
  const room = 'taken-over';
  const { sender, absent, ownerPid, comeBack } = await sceneOf(room, 'takeover');
  const toAbsent = { to: [connectionOf(absent)] };
  for (const data of ['a', 'b']) await sender.session.signal({ data });
  const said = await running.rest('POST', '/signal', { session: room, data: 'from the server' });
  assert.equal(said.status, 200);
  const { owner: first } = (await running.session(room)) ?? {};
  running.cluster.kill('master-2');
  await sender.session.signal({ data: 'c', ...toAbsent });
  assert.notEqual((await running.session(room))?.owner, first);
  comeBack();
  await absent.happened('reconnected');
  await sender.session.signal({ data: 'd' });
  await until('all have arrived', () => absent.signals.length >= 5);
  assert.deepEqual(absent.signals, ['a', 'b', 'from the server', 'c', 'd']);
  assert.equal(absent.count('connectionDestroyed') + sender.count('connectionDestroyed'), 0);
  const { connectionId } = connectionOf(absent);
  await until('the store keeps nothing any more', async () => (await running.keptFor(connectionId)).length === 0);
  for (const { session } of [sender, absent]) session.disconnect();
  await running.restarted('master-2', ownerPid);
});

test('a rebuild: signals kept in the former life arrive in the next one', async () => {
  const { sender, absent, ownerPid, comeBack } = await sceneOf('rebuilt', 'rebuild');
  const former = connectionOf(absent).connectionId;
  const from: unknown[] = [];
  absent.session.on('signal', (event: SignalEvent) => from.push(event.from?.connectionId));
  for (const data of ['a', 'b']) await sender.session.signal({ data });
  running.cluster.kill('master-2');
  await sender.happened('rebuilt');
  comeBack();
  await absent.happened('rebuilt');
  await sender.session.signal({ data: 'c' });
  await until('all have arrived', () => absent.signals.length >= 3);
  assert.deepEqual(absent.signals, ['a', 'b', 'c']);
  // The sender from before the crash is the same connection object under another id now.
  const { connectionId } = connectionOf(sender);
  assert.deepEqual(from, [connectionId, connectionId, connectionId]);
  await until('the store keeps nothing any more', async () => (await running.keptFor(former)).length === 0);
  for (const { session } of [sender, absent]) session.disconnect();
  await running.restarted('master-2', ownerPid);
});

test('signals kept in the former life that have not arrived in this one either survive a drain', async () => {
  const room = 'rebuilt-and-drained';
  const { sender, ownerPid } = await sceneOf(room, 'rebuild');
  // Through the balancer, because masters change; it acknowledges nothing.
  const first = await RawClient.join(running.socketUrl, await running.token(room));
  const before = await first.frame('welcome');
  first.cut();
  await sender.happened('connectionPresence', 2);
  await sender.session.signal({ data: 'a' });
  running.cluster.kill('master-2');
  await sender.happened('rebuilt');

  const token = parseTokenUrl(await running.token(room));
  assert.ok(token);
  const { uniqueSessionId, connectionId, resumeKey } = before;
  const previous = { uniqueSessionId, connectionId, resumeKey };
  const second = await RawClient.hello(running.socketUrl, {
    join: { sessionId: token.sessionId, token: token.token, key: 'key', metadata: '', previous },
  });
  const place = await second.frame('welcome');
  const signalsTo = ({ frames }: RawClient): unknown[] =>
    frames.flatMap((frame) => (frame.t === 'evt' && frame.event === 'signal' ? [frame.data.data] : []));
  await until('it has arrived', () => signalsTo(second).length > 0);
  second.cut();
  await running.restarted('master-2', ownerPid);
  const owner = await running.ownerOf(room);
  const { pid } = running.node(owner);
  running.cluster.kill(owner, 'SIGTERM');
  await running.restarted(owner, pid);
  const third = await RawClient.hello(running.socketUrl, { resume: { ...place, received: place.seq, nextRequest: 1 } });
  await until('it arrives again', () => signalsTo(third).length > 0);
  assert.deepEqual(signalsTo(third), ['a']);
  third.cut();
  sender.session.disconnect();
});

test('the owner drains: kept signals move along', async () => {
  const { sender, absent, ownerPid, comeBack } = await sceneOf('drained', 'rebuild');
  await sender.session.signal({ data: 'a' });
  running.cluster.kill('master-2', 'SIGTERM');
  await running.restarted('master-2', ownerPid);
  comeBack();
  await absent.happened('reconnected');
  await until('it has arrived', () => absent.signals.length > 0);
  assert.deepEqual(absent.signals, ['a']);
  assert.equal(sender.count('sessionDestroyed') + absent.count('sessionDestroyed'), 0);
  for (const { session } of [sender, absent]) session.disconnect();
});

test('a signal of the REST API is kept for a client that does not answer, because nobody would repeat it', async () => {
  const room = 'server-says';
  const { pid: ownerPid, url: base } = running.node('master-2');
  await running.rest('POST', '/sessions', { customSessionId: room, failover: 'takeover' }, { base });
  const client = new SdkClient({ urls: [running.node('master-3').url.replace('http', 'ws')], retry: { capMs: 500 } });
  await client.session.connect(await running.token(room));
  freeze('master-3');
  // The owner does not know yet that the client is away.
  const said = await running.rest('POST', '/signal', { session: room, data: 'closing soon' }, { base });
  assert.equal(said.status, 200);
  assert.deepEqual(await running.keptFor(connectionOf(client).connectionId), ['closing soon']);
  running.cluster.kill('master-2');
  thaw();
  await until('it has arrived', () => client.signals.length > 0);
  assert.deepEqual(client.signals, ['closing soon']);
  client.session.disconnect();
  await running.restarted('master-2', ownerPid);
});

test('nothing is kept for a client that has left', async () => {
  const { sender, absent, comeBack } = await sceneOf('left', 'takeover');
  await sender.session.signal({ data: 'a' });
  const { connectionId } = connectionOf(absent);
  assert.equal((await running.keptFor(connectionId)).length, 1);
  await absent.happened('reconnecting');
  absent.session.disconnect();
  comeBack();
  await sender.happened('connectionDestroyed');
  await until('the store keeps nothing any more', async () => (await running.keptFor(connectionId)).length === 0);
  sender.session.disconnect();
});

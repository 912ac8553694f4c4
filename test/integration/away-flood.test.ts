import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { ConnectionId } from '../../src/protocol/ids.ts';
import { parseTokenUrl } from '../../src/protocol/token-url.ts';
import { Asker } from '../fixtures/cluster/asker.ts';
import { cutSockets, makeSocketsCuttable } from '../fixtures/cluster/cuttable-socket.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  makeSocketsCuttable();
  running = await RunningCluster.start({ timing: { resumeGraceMs: 60_000 } });
});
after(() => running.stop());
beforeEach(() => running.rested());

const PATIENT = { spreadMs: 600_000 } as const;
/** Bytes that the owner of a room keeps for clients. */
async function waitingBytes(room: string): Promise<number> {
  const { internalUrl } = running.node(await running.ownerOf(room));
  const metrics = await (await fetch(`${internalUrl}/metrics`)).text();
  return Number(/^rejoin_waiting_bytes\S* (\d+)$/m.exec(metrics)?.[1]);
}

const SENDERS = 3;
const EACH = 500;

test('many signals for an absent client: confirmed ones arrive, and those without room get a named error', async () => {
  const room = 'away-flood';
  const absent = new SdkClient({ retry: PATIENT });
  await absent.session.connect(() => running.token(room));
  cutSockets();
  await absent.happened('reconnecting');
  const senders = Array.from({ length: SENDERS }, () => new SdkClient());
  for (const { session } of senders) await session.connect(await running.token(room));
  await until('it is known to be away', async () => {
    const { json } = await running.rest(
      'GET',
      `/sessions/${room}/connection/${absent.session.connection.connectionId}`,
    );
    return json['status'] === 'active' && senders[0]?.count('connectionPresence') === 1;
  });
  const acknowledged: string[] = [];
  const refused: string[] = [];
  const pending: Promise<unknown>[] = [];
  for (let n = 0; n < EACH; n += 1) {
    for (const [at, { session }] of senders.entries()) {
      const data = `${at}:${n}`;
      pending.push(
        session.signal({ data }).then(
          () => acknowledged.push(data),
          (error: { code: string }) => refused.push(error.code),
        ),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(pending);
  assert.equal(acknowledged.length + refused.length, SENDERS * EACH);
  assert.ok(refused.length > 0 && refused.every((code) => code === 'OUTBOX_OVERFLOW'), [...new Set(refused)].join(' '));
  absent.session.reconnectNow();
  await absent.happened('reconnected');
  await until('all confirmed signals have arrived', () => absent.signals.length >= acknowledged.length);
  assert.deepEqual([...absent.signals].sort(), [...acknowledged].sort());
});

test('a client that reads too little is disconnected: its next connection gets the confirmed signals', async () => {
  const room = 'reads-too-little';
  const sender = new SdkClient();
  await sender.session.connect(await running.token(room));
  const reader = await RawClient.join(running.socketUrl, await running.token(room));
  const { sessionId, uniqueSessionId, connectionId, resumeKey } = await reader.frame('welcome');
  const said = Array.from({ length: 40 }, (_, n) => `${n}`);
  const outcomes = Promise.allSettled(said.map((data) => sender.session.signal({ data })));
  const signalsTo = ({ frames }: RawClient): unknown[] =>
    frames.flatMap((frame) => (frame.t === 'evt' && frame.event === 'signal' ? [frame.data.data] : []));
  await until('all have been sent', () => signalsTo(reader).length === said.length);
  // A snapshot cannot replace answers, and the client acknowledges none.
  const streamId = `str_CAM_none_${connectionId}`;
  for (let id = 1; id <= 2_200; id += 1) reader.send({ t: 'req', id, method: 'unpublish', data: { streamId } });
  const { error } = await reader.frame('error');
  assert.deepEqual([error.code, error.reason], ['OUTBOX_OVERFLOW', 'outboxOverflow']);
  assert.ok((await outcomes).every(({ status }) => status === 'fulfilled'));
  // A client that missed the reason learns it from its resume.
  const resume = { sessionId, uniqueSessionId, connectionId, resumeKey, epoch: 1, received: 0, nextRequest: 1 };
  const late = await RawClient.hello(running.socketUrl, { resume });
  assert.equal((await late.frame('refused')).error.reason, 'outboxOverflow');
  const token = parseTokenUrl(await running.token(room))?.token;
  const previous = { uniqueSessionId, connectionId, resumeKey };
  const next = await RawClient.hello(running.socketUrl, {
    join: { sessionId, token, key: 'next', metadata: '', previous },
  });
  next.acknowledges = true;
  await until('all have arrived', () => signalsTo(next).length >= said.length);
  assert.deepEqual(signalsTo(next), said);
  await until('the store keeps nothing any more', async () => (await running.keptFor(connectionId)).length === 0);
  next.close();
  sender.session.disconnect();
});

test("kept signals for absent clients do not fill the owner's memory, and all of them arrive", async () => {
  const room = 'kept-once';
  const absent = Array.from({ length: 4 }, () => new SdkClient({ retry: PATIENT }));
  for (const { session } of absent) await session.connect(await running.token(room));
  cutSockets();
  const sender = new SdkClient();
  await sender.session.connect(await running.token(room));
  await until('all are known to be away', () => sender.count('connectionPresence') === absent.length);
  const said = Array.from({ length: 30 }, (_, n) => `${n} ${'x'.repeat(50_000)}`);
  for (const data of said) await sender.session.signal({ data });
  // The store keeps 6 MB for them.
  await until('only new signals wait', async () => (await waitingBytes(room)) < 200_000);
  for (const { session } of absent) session.reconnectNow();
  const late = sender.session.signal({ data: 'last' });
  for (const client of absent) {
    await until('it has received all', () => client.signals.length > said.length);
    assert.deepEqual(client.signals, [...said, 'last']);
    assert.equal(client.count('reconnected'), 1);
  }
  await late;
  for (const { session } of absent) {
    const { connectionId } = session.connection ?? {};
    assert.ok(connectionId);
    await until('the store keeps nothing any more', async () => (await running.keptFor(connectionId)).length === 0);
  }
});

test('much happens while clients are away: a snapshot tells them, and no event waits for them', async () => {
  const room = 'much-happens';
  const absent = Array.from({ length: 4 }, () => new SdkClient({ retry: PATIENT }));
  for (const { session } of absent) await session.connect(await running.token(room));
  cutSockets();
  const busy = await Asker.join(running, room);
  await until('all are known to be away', () => busy.told('connectionPresence').length === absent.length);
  const before = await waitingBytes(room);
  for (let n = 0; n < 400; n += 1) busy.send('reportQuality', { level: n % 2 });
  await busy.request('reportQuality', { level: 5 });
  const grown = (await waitingBytes(room)) - before;
  // 50 for each would be 30 KB.
  assert.ok(grown < 60_000, `${grown} bytes`);
  const late = await Asker.join(running, room);
  for (const { session } of absent) session.reconnectNow();
  for (const client of absent) {
    await client.happened('reconnected');
    const others = [...client.session.remoteConnections.values()].map(
      ({ connectionId }) => connectionId as ConnectionId,
    );
    assert.ok(others.includes(busy.id) && others.includes(late.id), others.join());
    assert.equal(client.session.remoteConnections.get(busy.id)?.networkQuality, 5);
    assert.equal(client.count('reconnected'), 1);
    assert.deepEqual(
      client.story().filter((event) => event === 'rebuilding'),
      [],
    );
  }
  await Promise.all([busy.leave(), late.leave()]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionId, RequestId, Seq } from '../../src/protocol/ids.ts';
import { BatchSender } from '../../src/server/master/link/batch-sender.ts';
import { Outbox } from '../../src/server/master/owner/outbox.ts';
import { pick, seededRandom, seeds } from '../fixtures/random.ts';
import { until } from '../fixtures/until.ts';

const frame = (id: number) => ({ t: 'res', id: id as RequestId, data: {} }) as const;
const neverDropped = (item: unknown): void => assert.fail(`dropped: ${String(item)}`);
const at = (seq: number): Seq => seq as Seq;

test('frames are numbered without gaps and kept until acknowledged', () => {
  const outbox = new Outbox({ frames: 3 });
  assert.deepEqual(
    [1, 2, 3].map((id) => outbox.add(frame(id))?.seq),
    [1, 2, 3],
  );
  assert.equal(outbox.add(frame(4)), undefined);
  assert.equal(outbox.last, 3);
  outbox.acknowledge(at(2));
  assert.deepEqual(
    outbox.after(at(2))?.map(({ seq }) => seq),
    [3],
  );
  assert.equal(outbox.after(at(1)), undefined, 'what was acknowledged is not there any more');
  assert.equal(outbox.after(at(9)), undefined, 'what was never sent cannot have arrived');
  assert.equal(outbox.add(frame(4))?.seq, 4);
  outbox.acknowledge(at(4));
  assert.deepEqual(outbox.after(at(4)), []);
  assert.equal(outbox.size, 0);
});

test('who waits for a delivery is told when it has arrived, or never will', async () => {
  const outbox = new Outbox();
  await outbox.secured();
  const told: string[] = [];
  outbox.add(frame(1));
  const first = outbox.secured().then(() => told.push('first'));
  outbox.add(frame(2));
  const second = outbox.secured().then(() => told.push('second'));
  outbox.acknowledge(at(1));
  await first;
  assert.deepEqual(told, ['first']);
  outbox.close();
  await second;
});

test('what is kept elsewhere is waited for no longer, and is delivered all the same', async () => {
  const outbox = new Outbox();
  const signal = (id: string) => ({ t: 'evt', event: 'signal', data: { id } }) as const;
  outbox.add(signal('a'));
  outbox.add(frame(1));
  const secured = outbox.secured();
  assert.deepEqual(outbox.unkept(), [{ id: 'a' }], 'answers are asked for again');
  const upTo = outbox.last;
  outbox.add(signal('b'));
  outbox.kept(upTo);
  await secured;
  assert.deepEqual(outbox.unkept(), [{ id: 'b' }]);
  assert.equal(outbox.holdsKept, true);
  // Renumbered behind a snapshot, the kept ones are still known as such.
  outbox.rebase();
  assert.deepEqual(outbox.unkept(), [{ id: 'b' }]);
  assert.deepEqual(
    outbox.after(at(3))?.map(({ seq }) => seq),
    [4, 5, 6],
  );
  outbox.acknowledge(at(4));
  assert.equal(outbox.holdsKept, true);
  outbox.acknowledge(at(5));
  assert.equal(outbox.holdsKept, false);
});

test('before a snapshot, signals and answers are kept and the rest is dropped', async () => {
  const outbox = new Outbox();
  const signal = { t: 'evt', event: 'signal', data: { id: 's' } } as const;
  outbox.add({ t: 'evt', event: 'connectionPresence', data: { connectionId: 'c' as ConnectionId, presence: 'away' } });
  outbox.add(signal);
  outbox.add(frame(7));
  let delivered = false;
  const waiting = outbox.secured().then(() => {
    delivered = true;
  });
  outbox.rebase();
  assert.deepEqual(outbox.after(at(3)), [
    { ...signal, seq: 4 },
    { ...frame(7), seq: 5 },
  ]);
  outbox.acknowledge(at(4));
  await Promise.resolve();
  assert.equal(delivered, false);
  outbox.acknowledge(at(5));
  await waiting;
});

test('whatever is lost between, everything arrives once and in order', () => {
  for (const seed of seeds(100)) {
    const random = seededRandom(seed);
    const outbox = new Outbox({ frames: 10_000 });
    const got: number[] = [];
    let received = 0;
    let sent = 0;
    const deliver = (frames: readonly { seq: Seq }[]): void => {
      for (const { seq } of frames) {
        if (seq !== received + 1) continue;
        received = seq;
        got.push(seq);
      }
    };
    for (let step = 0; step < 500; step += 1) {
      const act = pick(random, ['send', 'send', 'lose', 'ack', 'resume'] as const);
      if (act === 'send' || act === 'lose') {
        sent += 1;
        const numbered = outbox.add(frame(sent));
        assert.ok(numbered);
        if (act === 'send') deliver([numbered]);
      } else if (act === 'ack') outbox.acknowledge(at(received));
      else {
        const missed = outbox.after(at(received));
        assert.ok(missed, `SEED=${seed}: cannot resume`);
        deliver(missed);
      }
    }
    deliver(outbox.after(at(received)) ?? []);
    assert.deepEqual(
      got,
      Array.from({ length: sent }, (_, i) => i + 1),
      `SEED=${seed}`,
    );
  }
});

test('a batch that fails is sent again, in order, with what came meanwhile behind it', async () => {
  const arrived: number[] = [];
  let failures = 2;
  const sender = new BatchSender<number>(async (batch) => {
    await Promise.resolve();
    if (failures > 0) {
      failures -= 1;
      throw new Error('lost');
    }
    arrived.push(...(JSON.parse(batch) as number[]));
    return 'taken';
  }, neverDropped);
  for (let item = 0; item < 1_200; item += 1) sender.add(item);
  await until('everything has arrived', () => arrived.length === 1_200);
  sender.add(1_200);
  await until('later items too', () => arrived.length === 1_201);
  assert.deepEqual(
    arrived,
    Array.from({ length: 1_201 }, (_, i) => i),
  );
});

test('what the far side refuses, or cannot be written down, holds up nobody else', async () => {
  const arrived: string[] = [];
  const dropped: unknown[] = [];
  const sender = new BatchSender<unknown>(
    async (batch) => {
      if (batch.length > 2 * 1024 * 1024 || batch.includes('poison')) return 'refused';
      arrived.push(...(JSON.parse(batch) as string[]).map((item) => item.slice(0, 8)));
      return 'taken';
    },
    (item) => dropped.push(item),
  );
  const round: { self?: unknown } = {};
  round.self = round;
  const items = Array.from({ length: 300 }, (_, i) => `${i}`.padEnd(60_000));
  for (const [at, item] of items.entries()) {
    if (at === 20) sender.add('poison');
    if (at === 200) sender.add(round);
    sender.add(item);
  }
  await until('the rest has arrived', () => arrived.length === 300);
  assert.deepEqual(
    arrived.map(Number),
    Array.from({ length: 300 }, (_, i) => i),
  );
  assert.deepEqual(dropped, [round, 'poison']);
});

test('a closed sender sends nothing more', async () => {
  let calls = 0;
  const sender = new BatchSender<number>(async () => {
    calls += 1;
    sender.close();
    throw new Error('dead');
  }, neverDropped);
  sender.add(1);
  await until('it has tried', () => calls === 1);
  sender.add(2);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(calls, 1);
});

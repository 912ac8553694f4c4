import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionId, RequestId, Seq } from '../../src/protocol/ids.ts';
import { Outbox } from '../../src/server/master/owner/outbox.ts';
import { ByteBudget } from '../../src/server/shared/byte-budget.ts';
import { pick, seededRandom, seeds } from '../fixtures/random.ts';

const frame = (id: number) => ({ t: 'res', id: id as RequestId, data: {} }) as const;
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
  assert.equal(outbox.after(at(1)), undefined, 'acknowledged frames are gone');
  assert.equal(outbox.after(at(9)), undefined, 'unsent frames cannot have arrived');
  assert.equal(outbox.add(frame(4))?.seq, 4);
  outbox.acknowledge(at(4));
  assert.deepEqual(outbox.after(at(4)), []);
  assert.equal(outbox.size, 0);
});

test('a promise of a delivery settles on arrival, or when it has become impossible', async () => {
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

test('a signal kept in the store is no longer awaited, but still delivered', async () => {
  const outbox = new Outbox();
  const signal = (id: string) => ({ t: 'evt', event: 'signal', data: { id } }) as const;
  outbox.add(signal('a'));
  outbox.add(frame(1));
  const secured = outbox.secured();
  assert.deepEqual(outbox.unkept(), [{ id: 'a' }], 'clients request answers again');
  const upTo = outbox.last;
  outbox.add(signal('b'));
  outbox.kept(upTo);
  await secured;
  assert.deepEqual(outbox.unkept(), [{ id: 'b' }]);
  assert.equal(outbox.holdsKept, true);
  // After renumbering for a snapshot, kept signals are still marked as kept.
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

const said = (from: string, data = 'x') =>
  ({ t: 'evt', event: 'signal', data: { id: 's', data, from: from as ConnectionId } }) as const;
const presence = {
  t: 'evt',
  event: 'connectionPresence',
  data: { connectionId: 'c' as ConnectionId, presence: 'away' },
} as const;

test('a sender may fill the room that the others leave: there is always room for another', () => {
  const outbox = new Outbox({ signals: 100, frames: 200 });
  const fill = (sender: string): number => {
    let added = 0;
    while (outbox.holds(10, sender as ConnectionId)) {
      assert.ok(outbox.add(said(sender)));
      added += 1;
    }
    return added;
  };
  assert.equal(fill('a'), 50);
  assert.equal(fill('b'), 25);
  assert.equal(fill('c'), 13);
  assert.equal(outbox.holds(10, 'server'), true);
  assert.equal(outbox.holds(10, 'a' as ConnectionId), false);
  // Acknowledged frames make room again; signals take no room from answers.
  outbox.acknowledge(at(50));
  assert.equal(outbox.holds(10, 'a' as ConnectionId), true);
  for (let id = 1; id <= 100; id += 1) assert.ok(outbox.add(frame(id)));
});

test('bytes count like frames, and count in their budget', () => {
  const budget = new ByteBudget(1_000_000);
  const outbox = new Outbox({ bytes: 10_000, signalBytes: 8_000 });
  outbox.drawOn(budget);
  const large = said('a', 'x'.repeat(2_000));
  assert.equal(outbox.holds(2_100, 'a' as ConnectionId), true);
  outbox.add(large);
  assert.equal(outbox.holds(4_000, 'a' as ConnectionId), false);
  assert.equal(outbox.holds(4_000, 'b' as ConnectionId), true);
  for (let n = 0; n < 3; n += 1) assert.ok(outbox.add(large));
  assert.equal(outbox.add(large), undefined);
  assert.equal(budget.used, outbox.bytes);
  assert.ok(budget.used > 8_000);
  outbox.acknowledge(at(2));
  assert.equal(budget.used, outbox.bytes);
  outbox.close();
  assert.equal(budget.used, 0);
});

test('too many events are dropped for a snapshot, which is repeated until it has arrived', () => {
  const outbox = new Outbox({ frames: 4 });
  outbox.add(presence);
  outbox.add(said('a'));
  outbox.add(presence);
  outbox.add(frame(1));
  assert.equal(outbox.add(presence), undefined);
  assert.equal(outbox.needsSnapshot(at(0)), false);
  assert.equal(outbox.dropEvents(), true);
  assert.equal(outbox.size, 2);
  assert.equal(outbox.needsSnapshot(at(4)), true);
  outbox.add(frame(2));
  assert.deepEqual(outbox.missed(at(1)), []);
  assert.equal(outbox.missed(at(9)), undefined, 'unsent frames cannot have arrived');
  const behind = outbox.last;
  outbox.rebase();
  assert.deepEqual(
    outbox.after(behind)?.map((one) => [one.seq, one.t]),
    [
      [6, 'evt'],
      [7, 'res'],
      [8, 'res'],
    ],
  );
  // The welcome with the snapshot was lost, so the client has not progressed.
  assert.equal(outbox.needsSnapshot(at(1)), true);
  assert.equal(outbox.needsSnapshot(behind), false);
  outbox.acknowledge(at(8));
  assert.equal(outbox.dropEvents(), false, 'there are none');
});

test('the final frame is kept, even in a full outbox', () => {
  const outbox = new Outbox({ frames: 1 });
  outbox.add(frame(1));
  assert.ok(outbox.add({ t: 'evt', event: 'evicted', data: { reason: 'disconnect' } }));
});

test('the outbox knows the time without an acknowledgement', () => {
  let now = 0;
  const outbox = new Outbox({ now: () => now });
  assert.equal(outbox.overdueMs(0), 0);
  now = 1_000;
  outbox.add(frame(1));
  outbox.add(frame(2));
  now = 5_000;
  assert.equal(outbox.overdueMs(0), 4_000);
  assert.equal(outbox.overdueMs(3_000), 2_000, 'not before its client was present');
  outbox.acknowledge(at(1));
  now = 6_000;
  assert.equal(outbox.overdueMs(0), 1_000);
  outbox.acknowledge(at(1));
  assert.equal(outbox.overdueMs(0), 1_000, 'a repeated acknowledgement is not progress');
  assert.equal(outbox.ageMs, 5_000);
  outbox.acknowledge(at(2));
  assert.equal(outbox.overdueMs(0), 0);
});

test('with any losses, everything arrives once and in order', () => {
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

test('a departed client is not awaited, and disconnecting a client with undelivered signals is an error', async () => {
  const left = new Outbox();
  left.add(frame(1));
  left.close();
  await left.secured();
  const putOut = new Outbox();
  putOut.add(frame(1));
  const secured = putOut.secured();
  putOut.close(new Error('it was disconnected'));
  await assert.rejects(secured, /it was disconnected/);
});

test('signals of the store leave memory while their client is away, and return in order', () => {
  const budget = new ByteBudget(1_000_000);
  const outbox = new Outbox();
  outbox.drawOn(budget);
  const signal = (id: string) => {
    const data = { id, data: 'x'.repeat(10_000), from: 'con_a' as ConnectionId };
    return { t: 'evt', event: 'signal', data } as const;
  };
  const [a, b, c] = [signal('a'), signal('b'), signal('c')];
  outbox.add(a);
  outbox.add(frame(1));
  outbox.add(b);
  const full = outbox.bytes;
  outbox.kept(outbox.last);
  outbox.dropKept();
  outbox.add(c);
  assert.equal(outbox.absent, 2);
  assert.ok(budget.used < 12_000, `${budget.used} bytes`);
  assert.ok(outbox.bytes > full, 'the limits apply to waiting signals, in memory or in the store');
  outbox.dropKept();
  assert.equal(outbox.absent, 2, 'other frames stay');
  // An earlier one has arrived, but the store has not dropped it yet.
  outbox.putBack([signal('z').data, a.data, b.data]);
  const told = (outbox.after(at(0)) ?? []).map((one) =>
    one.t === 'evt' && one.event === 'signal' ? one.data.id : one.t,
  );
  assert.deepEqual(told, ['a', 'res', 'b', 'c']);
  assert.deepEqual([outbox.absent, outbox.needsSnapshot(at(0))], [0, false]);
  assert.equal(budget.used, outbox.bytes);
  outbox.dropKept();
  outbox.putBack([b.data]);
  assert.equal(outbox.needsSnapshot(at(0)), true, 'a gap');
  outbox.release();
  assert.equal(budget.used, 0);
});

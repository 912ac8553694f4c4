import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchSender } from '../../src/server/master/link/batch-sender.ts';
import { until } from '../fixtures/until.ts';

const neverDropped = (item: unknown): void => assert.fail(`dropped: ${String(item)}`);

test('a failed batch is sent again, in order, with later items behind it', async () => {
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

test('refused and unserialisable items do not block others', async () => {
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

test('items for another process are limited: excess is reported, and small ones still get through', async () => {
  const full: string[] = [];
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const arrived: string[] = [];
  const sender = new BatchSender<string>(
    async (batch) => {
      await gate;
      arrived.push(...(JSON.parse(batch) as string[]));
      return 'taken';
    },
    neverDropped,
    (item) => full.push(item),
    { linkItems: 10, linkBytes: 5_000 },
  );
  const large = 'x'.repeat(1_000);
  for (let n = 0; n < 6; n += 1) sender.add(large);
  assert.deepEqual(full, [], 'not within the call');
  sender.add('close');
  for (let n = 0; n < 20; n += 1) sender.add(`${n}`);
  await Promise.resolve();
  assert.deepEqual(full.slice(0, 2), [large, large]);
  assert.deepEqual(
    full.slice(2),
    Array.from({ length: 12 }, (_, n) => `${n + 8}`),
  );
  open();
  await sender.idle();
  assert.equal(arrived.length, 13);
  sender.add(large);
  await sender.idle();
  assert.equal(arrived.length, 14, 'sent items make room');
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

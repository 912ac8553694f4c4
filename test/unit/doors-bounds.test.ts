import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldBytes } from '../../src/server/balancer/held-bytes.ts';
import { Newcomers } from '../../src/server/master/edge/newcomers.ts';
import { WrongSecrets } from '../../src/server/master/rest/wrong-secrets.ts';
import { SampledLog } from '../../src/server/shared/sampled-log.ts';
import { until } from '../fixtures/until.ts';

test('held bytes: one address cannot use up everything, and the total is limited', () => {
  const budget = new HeldBytes(100, 60);
  const [first, second, other, third] = ['a', 'a', 'b', 'c'].map((address) => budget.share(address));
  assert.ok(first && second && other && third);
  assert.equal(first.take(40), undefined);
  assert.equal(second.take(30), 'address');
  assert.equal(second.take(20), undefined);
  assert.equal(other.take(40), undefined);
  assert.equal(third.take(1), 'total');
  first.release();
  first.release();
  assert.equal(budget.held, 60);
  assert.equal(third.take(40), undefined);
  for (const share of [second, other, third]) share.release();
  assert.equal(budget.held, 0);
});

test('newcomers: sockets and bytes are limited for an address, and in total', () => {
  const newcomers = new Newcomers({ sockets: 3, socketsEach: 2, bytes: 100, bytesEach: 60 });
  const first = newcomers.admit('a');
  const second = newcomers.admit('a');
  assert.equal(newcomers.admit('a'), undefined);
  const other = newcomers.admit('b');
  assert.ok(first && second && other);
  assert.equal(newcomers.admit('c'), undefined);
  assert.equal(first.received(60), true);
  assert.equal(second.received(1), false);
  assert.equal(other.received(39), true);
  assert.equal(other.received(1), false);
  for (const newcomer of [first, first, second]) newcomer.leave();
  assert.equal(newcomers.size, 1);
  const again = newcomers.admit('a');
  assert.equal(again?.received(60), true);
});

test('wrong secrets: counted for a minute, for each address, for a limited number of addresses', () => {
  let now = 0;
  const wrong = new WrongSecrets(() => now);
  for (let count = 0; count < 10; count += 1) assert.equal(wrong.failed('a'), 0);
  assert.equal(wrong.failed('a'), 60);
  now = 59_500;
  assert.equal(wrong.failed('a'), 1);
  assert.equal(wrong.failed('b'), 0);
  now = 60_000;
  assert.equal(wrong.failed('a'), 0);
  for (let count = 0; count < 30_000; count += 1) wrong.failed(`address ${count}`);
  assert.ok(wrong.size <= 10_000);
});

test('sampled lines: some at once, then one a second, and all are counted', async () => {
  let now = 0;
  const lines: { fields: object; message: string }[] = [];
  const warn = (fields: object, message: string): void => void lines.push({ fields, message });
  const log = new SampledLog({ warn } as never, 2, () => now);
  for (let at = 0; at < 5; at += 1) log.warn({ at }, 'said');
  now = 1_000;
  log.warn({ at: 5 }, 'said');
  log.warn({ at: 6 }, 'said');
  assert.deepEqual(
    lines.map(({ fields }) => fields),
    [{ at: 0 }, { at: 1 }, { at: 5, leftOut: 3 }],
  );
  await until('the last one is counted', () => lines.length === 4);
  assert.deepEqual(lines[3]?.fields, { leftOut: 1 });
});

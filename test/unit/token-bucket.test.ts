import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteBudget } from '../../src/server/shared/byte-budget.ts';
import { TokenBucket } from '../../src/server/shared/token-bucket.ts';

test('a burst at once, and the rate in the long run', () => {
  let now = 1_000;
  const bucket = new TokenBucket({ perSecond: 10, burst: 5, now: () => now });
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map(() => bucket.take(1)),
    [true, true, true, true, true, false],
  );
  assert.equal(bucket.waitMs(1), 100);
  now += 99;
  assert.equal(bucket.take(1), false);
  now += 1;
  assert.equal(bucket.take(1), true);
  now += 60_000;
  assert.equal(bucket.waitMs(5), 0);
  assert.equal(bucket.take(5) && bucket.take(1), false, 'a long pause does not enlarge the burst');
});

test('a cost beyond the burst is not refused forever, and is paid afterwards', () => {
  let now = 0;
  const bucket = new TokenBucket({ perSecond: 10, burst: 5, now: () => now });
  assert.equal(bucket.take(25), true);
  assert.equal(bucket.take(1), false);
  assert.equal(bucket.waitMs(1), 2_100);
  now += 2_100;
  assert.equal(bucket.take(1), true);
});

test('a debt is at most a burst; returned tokens fill at most the bucket', () => {
  let now = 0;
  const bucket = new TokenBucket({ perSecond: 10, burst: 5, now: () => now });
  for (let n = 0; n < 100; n += 1) bucket.spend(1);
  assert.equal(bucket.waitMs(0), 500);
  now += 500;
  assert.equal(bucket.waitMs(0), 0);
  bucket.give(100);
  assert.deepEqual([bucket.take(5), bucket.take(1)], [true, false]);
});

test('a withdrawal from a part of a budget counts for the whole', () => {
  const whole = new ByteBudget(100);
  const [one, other] = [new ByteBudget(80, whole), new ByteBudget(80, whole)];
  one.add(70);
  assert.equal(one.fits(20), false, 'more than its own');
  assert.deepEqual([other.fits(30), other.fits(31)], [true, false]);
  one.add(-70);
  assert.deepEqual([whole.used, other.fits(80)], [0, true]);
});

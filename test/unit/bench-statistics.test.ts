import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantile, summarise } from '../../bench/report/statistics.ts';
import { pick, seededRandom, seeds } from '../fixtures/random.ts';

test('a quantile is a measured sample, and with few samples the largest', () => {
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([4, 1, 2, 3], 0.5), 2);
  assert.equal(quantile([1, 2, 3, 4, 5, 6, 7, 8], 0.95), 8);
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
  assert.deepEqual(summarise(hundred), { count: 100, min: 1, p50: 50, p95: 95, p99: 99, max: 100 });
  assert.deepEqual(summarise([7]), { count: 1, min: 7, p50: 7, p95: 7, p99: 7, max: 7 });
  assert.throws(() => summarise([]), RangeError);
});

test("for any samples, the quantile's share does not exceed it, and no smaller sample suffices", () => {
  for (const seed of seeds(50)) {
    const random = seededRandom(seed);
    const samples = Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() * 10));
    const share = pick(random, [0.5, 0.95, 0.99, 1]);
    const found = quantile(samples, share);
    const atMost = (limit: number): number => samples.filter((sample) => sample <= limit).length / samples.length;
    assert.ok(samples.includes(found) && atMost(found) >= share, `seed ${seed}`);
    assert.ok(atMost(found - 1) < share, `seed ${seed}`);
  }
});

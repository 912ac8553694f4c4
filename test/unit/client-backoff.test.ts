import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_RETRY, delayBefore, longestDelay } from '../../src/client/signaling/backoff.ts';
import { Pause } from '../../src/client/signaling/pause.ts';
import { seededRandom } from '../fixtures/random.ts';

test('the first delay is spread over its whole width', () => {
  const random = seededRandom(1);
  const buckets = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i += 1) {
    const at = Math.floor(delayBefore(1, {}, random) / 25.1);
    buckets[at] = (buckets[at] ?? 0) + 1;
  }
  for (const count of buckets) assert.ok(count > 700 && count < 1_300, buckets.join(' '));
});

test('later delays grow to the cap, are never zero, and stay jittered at the cap', () => {
  const random = seededRandom(2);
  for (let attempt = 2; attempt < 50; attempt += 1) {
    const width = Math.min(DEFAULT_RETRY.capMs, DEFAULT_RETRY.baseMs * 2 ** (attempt - 2));
    const delays = Array.from({ length: 200 }, () => delayBefore(attempt, {}, random));
    assert.ok(Math.min(...delays) >= width * 0.1 - 1 && Math.max(...delays) <= width, `attempt ${attempt}`);
    assert.ok(new Set(delays).size > 50, `attempt ${attempt} is not jittered`);
  }
});

test('no wait is longer than half of the trouble, but for the widths of the first attempts', () => {
  const longest = (attempt: number, troubleMs: number, spreadMs = 250): number =>
    delayBefore(attempt, { spreadMs }, () => 1, troubleMs);
  assert.equal(longest(9, 2_400), 1_200);
  assert.equal(longest(9, 300), DEFAULT_RETRY.baseMs);
  assert.equal(longest(9, 300, 2_000), 2_000, 'the server has asked for more');
  assert.equal(longest(9, 60_000), DEFAULT_RETRY.capMs);
  assert.equal(longest(3, 60_000), 2 * DEFAULT_RETRY.baseMs);
});

test('a policy replaces what it names', () => {
  assert.equal(
    delayBefore(1, { spreadMs: 0 }, () => 0.99),
    0,
  );
  assert.equal(
    delayBefore(2, { baseMs: 100 }, () => 1),
    100,
  );
  assert.equal(
    delayBefore(9, { capMs: 50 }, () => 1),
    50,
  );
});

test('without a network, the delay is that of late attempts', () => {
  assert.equal(
    longestDelay({ capMs: 3_000 }, () => 1),
    3_000,
  );
  assert.equal(
    longestDelay({}, () => 0),
    DEFAULT_RETRY.capMs / 10,
  );
});

test('a pause can be cut short', async () => {
  const pause = new Pause();
  const waiting = pause.wait(60_000);
  pause.skip();
  await waiting;
  const replaced = pause.wait(60_000);
  const next = pause.wait(0);
  await Promise.all([replaced, next]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartDelay } from '../../src/server/dev/restart-delay.ts';

test('a process that ends restarts at once, and with delays if it keeps ending', () => {
  const delay = new RestartDelay();
  const row = Array.from({ length: 8 }, () => delay.next(3_000));
  assert.deepEqual(row, [0, 250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
});

test('ten seconds without a failure reset the delay', () => {
  const delay = new RestartDelay();
  assert.deepEqual([delay.next(5), delay.next(9_999), delay.next(10_000), delay.next(5)], [0, 250, 0, 250]);
});

test('a requested minimum delay applies from the first end on', () => {
  const delay = new RestartDelay(600);
  assert.deepEqual(
    [delay.next(3_000), delay.next(3_000), delay.next(3_000), delay.next(3_000)],
    [600, 600, 600, 1_000],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Patience } from '../../src/client/session/patience.ts';

test('a limit fires once, at its end', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const seen: string[] = [];
  const patience = new Patience(Date.now);
  const told = { lastAttempt: () => seen.push('attempt'), over: () => seen.push('over') };
  patience.start(1_000, told);
  t.mock.timers.tick(900);
  // A new start replaces the former limit.
  patience.start(1_000, told);
  t.mock.timers.tick(999);
  assert.deepEqual(seen, []);
  t.mock.timers.tick(1);
  assert.deepEqual(seen, ['over']);
  patience.start(1_000, told);
  patience.stop();
  t.mock.timers.tick(100_000);
  assert.deepEqual(seen, ['over']);
});

test('a limit that was slept through allows exactly one more attempt', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  const seen: string[] = [];
  const patience = new Patience(() => now);
  patience.start(10_000, { lastAttempt: () => seen.push('attempt'), over: () => seen.push('over') });
  now = 3_600_000;
  t.mock.timers.tick(10_000);
  assert.deepEqual(seen, ['attempt']);
  now += 3_600_000;
  t.mock.timers.tick(5_000);
  assert.deepEqual(seen, ['attempt', 'over']);
});

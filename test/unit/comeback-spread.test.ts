import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReleaseSpread, spreadOf } from '../../src/server/master/edge/comeback-spread.ts';

test('two clients return at once, thousands over seconds', () => {
  assert.deepEqual(
    [1, 2, 25, 62, 63, 250, 1_000, 5_000, 50_000].map(spreadOf),
    [4, 8, 100, 248, 250, 250, 1_000, 5_000, 5_000],
  );
});

test('the spread grows with the number of clients released within a second', () => {
  let now = 0;
  const spread = new ReleaseSpread(() => now);
  assert.deepEqual([spread.next(), spread.next(), spread.next()], [4, 8, 12]);
  now = 900;
  for (let at = 0; at < 600; at += 1) spread.next();
  assert.equal(spread.next(), 604);
  now = 2_000;
  assert.equal(spread.next(), 4, 'earlier clients have returned');
});

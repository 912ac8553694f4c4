import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUDGETS } from '../../src/server/master/budgets.ts';
import { InboundRate } from '../../src/server/master/edge/inbound-rate.ts';

const { frames, floodMs } = BUDGETS;

test('a burst is read at once, and more of it later', () => {
  let now = 0;
  const rate = new InboundRate(() => now);
  for (let n = 0; n < frames.burst; n += 1) assert.equal(rate.took(50).kind, 'on');
  const pace = rate.took(50);
  assert.ok(pace.kind === 'pause' && pace.ms > 0 && pace.ms <= 1_000);
  now += 1_000;
  assert.equal(rate.took(50).kind, 'on');
});

test('large frames count more', () => {
  const rate = new InboundRate(() => 0);
  let read = 0;
  while (rate.took(60_000).kind === 'on') read += 1;
  assert.ok(read < frames.burst / 5, `${read}`);
});

test('a client that gets many frames may send many acknowledgements', () => {
  const rate = new InboundRate(() => 0);
  for (let n = 0; n < 10 * frames.burst; n += 1) {
    rate.expectsAck();
    assert.equal(rate.took(30).kind, 'on');
  }
});

test('a flood that continues while it is slowed is refused, but bursts are not', () => {
  let now = 0;
  const flooding = new InboundRate(() => now);
  const kinds = new Set<string>();
  for (; now < floodMs + 5_000; now += 100) {
    let last = 'on';
    for (let n = 0; n < 200; n += 1) last = flooding.took(50).kind;
    kinds.add(last);
    if (last === 'flood') break;
  }
  assert.deepEqual([...kinds], ['on', 'pause', 'flood']);
  assert.ok(now > floodMs);

  now = 0;
  const bursting = new InboundRate(() => now);
  for (; now < 5 * floodMs; now += 10_000) {
    for (let n = 0; n < frames.burst + 100; n += 1) assert.notEqual(bursting.took(50).kind, 'flood');
  }
});

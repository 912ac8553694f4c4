import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import type { RequestFrame } from '../../src/protocol/frames.ts';
import { RequestGate } from '../../src/server/master/owner/request-gate.ts';
import { ByteBudget } from '../../src/server/shared/byte-budget.ts';

const LIMITS = {
  requests: { perSecond: 10, burst: 3 },
  waitingRequests: 4,
  waitingRequestBytes: 1_000,
} as unknown as NonNullable<ConstructorParameters<typeof RequestGate>[0]['limits']>;

const request = (id: number) => ({ t: 'req', id, method: 'leave', data: {} }) as unknown as RequestFrame;

let now = 0;
beforeEach(() => {
  now = 0;
  mock.timers.enable({ apis: ['setTimeout'] });
});
afterEach(() => mock.timers.reset());

function tick(ms: number): void {
  for (let at = 0; at < ms; at += 10) {
    now += 10;
    mock.timers.tick(10);
  }
}

function gateOf(budget = new ByteBudget(10_000)) {
  const begun: number[] = [];
  const held = { now: false };
  const gate = new RequestGate({
    begin: ({ id }) => begun.push(id),
    isHeld: () => held.now,
    budget,
    limits: LIMITS,
    now: () => now,
  });
  return { gate, begun, held, budget };
}

test('requests that come too fast wait in order, and excess is refused', () => {
  const { gate, begun, budget } = gateOf();
  const taken = [1, 2, 3, 4, 5, 6, 7, 8].map((id) => gate.take(request(id), 1, 100));
  assert.deepEqual(taken, [true, true, true, true, true, true, true, false]);
  assert.deepEqual(begun, [1, 2, 3]);
  assert.equal(budget.used, 400);
  tick(100);
  assert.deepEqual(begun, [1, 2, 3, 4]);
  // A later request does not overtake waiting ones, even if there is a token for it.
  assert.equal(gate.take(request(9), 1, 100), true);
  tick(1_000);
  assert.deepEqual(begun, [1, 2, 3, 4, 5, 6, 7, 9]);
  assert.equal(budget.used, 0);
});

test('waiting bytes are limited, for one connection and in total', () => {
  const { gate } = gateOf();
  for (const id of [1, 2, 3]) gate.take(request(id), 1, 900);
  assert.equal(gate.take(request(4), 1, 900), true);
  assert.equal(gate.take(request(5), 1, 900), false);
  assert.equal(gate.take(request(6), 1, 100), true);
  gate.close();

  const tight = gateOf(new ByteBudget(150)).gate;
  for (const id of [1, 2, 3]) tight.take(request(id), 1, 100);
  assert.deepEqual([tight.take(request(4), 1, 100), tight.take(request(5), 1, 100)], [true, false]);
  tight.close();
});

test('a large request costs more', () => {
  const { gate, begun } = gateOf();
  gate.take(request(1), 1, 10);
  gate.take(request(2), 3, 10);
  assert.deepEqual(begun, [1]);
  tick(100);
  assert.deepEqual(begun, [1, 2]);
  gate.close();
});

test('nothing starts while the gate is held, or after it is closed', () => {
  const { gate, begun, held, budget } = gateOf();
  for (const id of [1, 2, 3, 4, 5]) gate.take(request(id), 1, 100);
  held.now = true;
  tick(2_000);
  assert.deepEqual(begun, [1, 2, 3]);
  held.now = false;
  tick(200);
  assert.deepEqual(begun, [1, 2, 3, 4, 5]);
  for (const id of [6, 7, 8, 9]) gate.take(request(id), 1, 100);
  const before = begun.length;
  assert.ok(before < 9 && budget.used > 0, 'some wait');
  gate.close();
  tick(2_000);
  assert.equal(begun.length, before);
  assert.equal(budget.used, 0);
});

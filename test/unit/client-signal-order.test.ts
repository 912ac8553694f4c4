import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignalOrder } from '../../src/client/session/signal-order.ts';
import type { ConnectionId, RequestId } from '../../src/protocol/ids.ts';

const ann = 'con_ann' as ConnectionId;
const bob = 'con_bob' as ConnectionId;
const number = (n: number): RequestId => n as RequestId;

test('each sender counts for itself, with gaps', () => {
  const order = new SignalOrder();
  const said = [
    [ann, 1],
    [bob, 1],
    [ann, 5],
    [bob, 2],
  ] as const;
  for (const [from, n] of said) assert.equal(order.isNew(from, number(n)), true, `${from} ${n}`);
});

test('a repetition is none, nor is what was said before something that has been heard', () => {
  const order = new SignalOrder();
  assert.equal(order.isNew(ann, number(4)), true);
  assert.equal(order.isNew(ann, number(4)), false);
  assert.equal(order.isNew(ann, number(3)), false);
  assert.equal(order.isNew(ann, number(5)), true);
});

test('who has left is forgotten', () => {
  const order = new SignalOrder();
  order.isNew(ann, number(9));
  order.forget(ann);
  assert.equal(order.isNew(ann, number(1)), true);
});

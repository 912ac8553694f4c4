import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignalOrder } from '../../src/client/session/signal-order.ts';
import type { ConnectionId } from '../../src/protocol/ids.ts';

const ann = 'con_ann' as ConnectionId;
const bob = 'con_bob' as ConnectionId;

test('each sender counts for itself, with gaps', () => {
  const order = new SignalOrder();
  const said = [
    [ann, 1],
    [bob, 1],
    [ann, 5],
    [bob, 2],
  ] as const;
  for (const [from, n] of said) assert.equal(order.isNew(from, n), true, `${from} ${n}`);
});

test('a repetition is none, nor is what was said before something that has been heard', () => {
  const order = new SignalOrder();
  assert.equal(order.isNew(ann, 4), true);
  assert.equal(order.isNew(ann, 4), false);
  assert.equal(order.isNew(ann, 3), false);
  assert.equal(order.isNew(ann, 5), true);
});

test('who has left is forgotten', () => {
  const order = new SignalOrder();
  order.isNew(ann, 9);
  order.forget(ann);
  assert.equal(order.isNew(ann, 1), true);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignalOrder } from '../../src/client/session/signal-order.ts';
import type { ConnectionId } from '../../src/protocol/ids.ts';

const ann = 'con_ann' as ConnectionId;
const bob = 'con_bob' as ConnectionId;

test('each sender has its own numbers, with gaps', () => {
  const order = new SignalOrder();
  const said = [
    [ann, 1],
    [bob, 1],
    [ann, 5],
    [bob, 2],
  ] as const;
  for (const [from, n] of said) assert.equal(order.isNew(from, n), true, `${from} ${n}`);
});

test('neither a repetition nor a signal older than a received one is new', () => {
  const order = new SignalOrder();
  assert.equal(order.isNew(ann, 4), true);
  assert.equal(order.isNew(ann, 4), false);
  assert.equal(order.isNew(ann, 3), false);
  assert.equal(order.isNew(ann, 5), true);
});

test('only the most recent senders are remembered, so that memory does not grow with all senders', () => {
  const order = new SignalOrder(2);
  order.isNew(ann, 1);
  order.isNew(bob, 1);
  order.isNew(ann, 2);
  order.isNew('con_cem' as ConnectionId, 1);
  assert.equal(order.isNew(ann, 2), false);
  assert.equal(order.isNew(bob, 1), true, 'bob was the least recent');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../../src/client/session/connection.ts';
import { signalEventName, signalRequest } from '../../src/client/session/signals.ts';

test('a type may have the prefix of the events, and an empty list of recipients means all', () => {
  assert.deepEqual(signalRequest('s1', 1, { type: 'signal:chat', data: 'Hello', to: [] }), {
    id: 's1',
    number: 1,
    type: 'chat',
    data: 'Hello',
  });
  const to = [{ connectionId: 'con_1' } as Connection];
  assert.deepEqual(signalRequest('s2', 2, { type: 'chat', to }), { id: 's2', number: 2, type: 'chat', to: ['con_1'] });
  assert.deepEqual(signalRequest('s3', 3, { type: '', data: '' }), { id: 's3', number: 3, data: '' });
});

test('without a type there is one event, with one there are two', () => {
  assert.equal(signalEventName(undefined), 'signal');
  assert.equal(signalEventName('chat'), 'signal:chat');
});

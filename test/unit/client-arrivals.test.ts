import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Subscriber } from '../../src/client/media/subscriber.ts';
import { Arrivals } from '../../src/client/session/arrivals.ts';

const subscriber = (): Subscriber => ({}) as Subscriber;

test('a promise for a stream settles once, for this stream', async () => {
  const arrivals = new Arrivals();
  const [first, second, third] = [subscriber(), subscriber(), subscriber()];
  const waiting = [first, second, third].map((one) => arrivals.of(one));
  arrivals.arrived(second);
  arrivals.failed(second, new Error('too late to matter'));
  arrivals.failed(first, new Error('gone'));
  arrivals.end(new Error('over'));
  const settled = await Promise.allSettled(waiting);
  assert.deepEqual(
    settled.map((one) => (one.status === 'rejected' ? one.reason.message : one.status)),
    ['gone', 'fulfilled', 'over'],
  );
});

test('two promises for the same stream both settle', async () => {
  const arrivals = new Arrivals();
  const one = subscriber();
  const both = Promise.all([arrivals.of(one), arrivals.of(one)]);
  arrivals.arrived(one);
  await both;
});

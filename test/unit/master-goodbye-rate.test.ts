import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GoodbyeRate } from '../../src/server/master/edge/goodbye-rate.ts';

const nothing = async (): Promise<void> => {};

test('an address may send a burst, and then a number a second; others are not affected', async () => {
  let now = 0;
  const rate = new GoodbyeRate(() => now);
  const send = async (address: string, count: number): Promise<number> => {
    const outcomes = await Promise.all(Array.from({ length: count }, () => rate.run(address, nothing)));
    return outcomes.filter((outcome) => outcome === 'done').length;
  };
  assert.equal(await send('203.0.113.1', 1_200), 1_000);
  assert.equal(await send('203.0.113.2', 10), 10);
  now += 1_000;
  assert.equal(await send('203.0.113.1', 1_200), 50);
  // All addresses of one network count as one.
  assert.equal(await send('2001:db8::1', 600), 600);
  assert.equal(await send('2001:db8::2', 600), 400);
});

test('only a limited number is in progress, and each that ends makes room, even after a failure', async () => {
  const rate = new GoodbyeRate();
  const ends: ((error?: Error) => void)[] = [];
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())));
  const under = Array.from({ length: 2_000 }, (_, at) => rate.run(`198.51.100.${at % 200}`, work));
  assert.equal(await rate.run('203.0.113.1', work), 'tooManyUnderWay');
  ends[0]?.(new Error('no owner'));
  await assert.rejects(under[0] as Promise<unknown>, /no owner/);
  assert.equal(await rate.run('203.0.113.1', nothing), 'done');
  for (const end of ends) end();
  await Promise.allSettled(under);
});

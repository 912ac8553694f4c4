import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { pino } from 'pino';
import { WebhookQueue, type WebhookQueueParts } from '../../src/server/master/webhooks/webhook-queue.ts';
import { WebhookSender } from '../../src/server/master/webhooks/webhook-sender.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import type { SqliteStore } from '../../src/server/store/sqlite-store.ts';
import { StoreError } from '../../src/server/store/store.ts';
import type { EventId, SubjectKey } from '../../src/server/store/webhook-outbox.ts';
import { until } from '../fixtures/until.ts';
import { Receiver } from '../fixtures/webhooks/receiver.ts';
import { storeFiles } from '../fixtures/webhooks/store-file.ts';

const newStore = storeFiles();
const A = 'master-1@a' as InstanceId;
const B = 'master-2@b' as InstanceId;

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function receiving(): Promise<Receiver> {
  const receiver = await Receiver.start();
  ends.push(() => receiver.close());
  return receiver;
}

interface Running {
  readonly queue: WebhookQueue;
  readonly outcomes: string[];
  readonly said: Record<string, unknown>[];
}

function run(
  store: SqliteStore,
  receiver: Receiver,
  parts: Partial<WebhookQueueParts> & { timeoutMs?: number } = {},
): Running {
  const outcomes: string[] = [];
  const said: Record<string, unknown>[] = [];
  const { timeoutMs = 2_000, ...given } = parts;
  const queue = new WebhookQueue({
    target: receiver.url,
    label: 'hook',
    owner: A,
    outbox: store.webhooks,
    sender: new WebhookSender(receiver.url, { headers: [], secret: undefined, timeoutMs }),
    settings: { tries: 3, deadlineMs: 10_000 },
    log: pino({ level: 'warn' }, { write: (line: string) => said.push(JSON.parse(line)) }),
    tried: (outcome) => outcomes.push(outcome),
    backoffMs: 20,
    lookMs: 20,
    random: () => 1,
    ...given,
  });
  ends.unshift(() => queue.close());
  return { queue, outcomes, said };
}

let made = 0;
async function put(
  store: SqliteStore,
  receiver: Receiver,
  names: readonly string[],
  { owner = A, subject = 's' }: { owner?: InstanceId; subject?: string } = {},
): Promise<void> {
  const events = names.map((name) => {
    made += 1;
    const terms = { id: `evt_${made}` as EventId, subject: subject as SubjectKey, targets: [receiver.url] };
    return { ...terms, name, body: JSON.stringify({ event: name }) };
  });
  await store.webhooks.put(events, owner, 1_000);
}
const names = (calls: readonly { body: Readonly<Record<string, unknown>> }[]): string[] =>
  calls.map(({ body }) => String(body['event']));

test('events arrive in order, earlier and later ones', async () => {
  const { store } = newStore();
  const receiver = await receiving();
  await put(store, receiver, ['a', 'b']);
  const { queue, outcomes } = run(store, receiver, { lookMs: 60_000 });
  await until('the first two', () => receiver.taken.length === 2);
  await put(store, receiver, ['c', 'd']);
  queue.wake();
  await until('all four', () => receiver.taken.length === 4);
  assert.deepEqual(names(receiver.all), ['a', 'b', 'c', 'd']);
  await until('nothing waits', async () => (await store.webhooks.count(A, receiver.url)) === 0);
  assert.deepEqual(outcomes, ['sent', 'sent', 'sent', 'sent']);
});

test('an event waits until the former one has been accepted', async () => {
  const { store } = newStore();
  const receiver = await receiving();
  let refusals = 2;
  receiver.answer = ({ body }) => {
    if (body['event'] !== 'b' || refusals === 0) return 200;
    refusals -= 1;
    return 500;
  };
  await put(store, receiver, ['a', 'b', 'c']);
  const { outcomes, said } = run(store, receiver);
  await until('all three', () => receiver.taken.length === 3);
  assert.deepEqual(names(receiver.all), ['a', 'b', 'b', 'b', 'c']);
  const ids = receiver.all.map(({ headers }) => headers['x-rejoin-event-id']);
  assert.equal(new Set(ids.slice(1, 4)).size, 1, 'the same event each time');
  await until('it is counted', () => outcomes.length === 5);
  assert.deepEqual(outcomes, ['sent', 'failed', 'failed', 'sent', 'sent']);
  assert.deepEqual(
    said.map(({ tries, why, target }) => ({ tries, why, target })),
    [1, 2].map((tries) => ({ tries, why: 'status 500', target: 'hook' })),
  );
});

test('after the maximum of attempts an event is dropped and logged, and the next one follows', async () => {
  const { store } = newStore();
  const receiver = await receiving();
  receiver.answer = ({ body }) => (body['event'] === 'a' ? 503 : 200);
  await put(store, receiver, ['a', 'b']);
  const { outcomes, said } = run(store, receiver);
  await until('the second', () => receiver.taken.length === 1);
  assert.deepEqual(names(receiver.all), ['a', 'a', 'a', 'b']);
  await until('it is counted', () => outcomes.length === 5);
  assert.deepEqual(outcomes, ['failed', 'failed', 'failed', 'dropped', 'sent']);
  const [dropped, ...others] = said.filter(({ level }) => level === 50);
  assert.ok(dropped);
  assert.deepEqual(others, []);
  assert.match(String(dropped['msg']), /dropped/i);
  assert.equal(dropped['event'], 'a');
});

test('each delay is twice the former one', async () => {
  const { store } = newStore();
  const receiver = await receiving();
  receiver.answer = () => 500;
  await put(store, receiver, ['a']);
  const { outcomes } = run(store, receiver, {
    settings: { tries: 4, deadlineMs: 10_000 },
    backoffMs: 100,
    random: () => 0,
  });
  await until('it is dropped', () => outcomes.includes('dropped'));
  const pauses = receiver.all.slice(1).map(({ at }, before) => at - (receiver.all[before]?.at ?? 0));
  // Half of 100, 200 and 400 ms, the minimum after jitter; the rest is for a slow machine.
  for (const [at, least] of [50, 100, 200].entries()) {
    const pause = pauses[at] ?? 0;
    assert.ok(pause >= least - 5 && pause < least + 1_000, `${pauses}`);
  }
});

test('an event is dropped after its deadline, after any number of attempts', async () => {
  const { store } = newStore();
  const receiver = await receiving();
  receiver.answer = () => 'hang';
  await put(store, receiver, ['a']);
  const settings = { tries: 1_000, deadlineMs: 400 };
  const { outcomes } = run(store, receiver, { settings, timeoutMs: 100, backoffMs: 1 });
  const since = performance.now();
  await until('it is dropped', () => outcomes.includes('dropped'));
  assert.ok(performance.now() - since < 1_500, `${performance.now() - since} ms`);
  assert.ok(receiver.all.length >= 2, `${receiver.all.length} tries`);
});

test("a receiver's Retry-After is respected within the deadline", async () => {
  const { store } = newStore();
  const receiver = await receiving();
  receiver.answer = () => (receiver.all.length === 0 ? { status: 429, headers: { 'retry-after': '1' } } : 200);
  await put(store, receiver, ['a']);
  run(store, receiver);
  await until('it is accepted', () => receiver.taken.length === 1);
  const [first, second] = receiver.all;
  assert.ok(first && second);
  assert.ok(second.at - first.at >= 990, `${second.at - first.at} ms`);

  const strict = await receiving();
  strict.answer = () => ({ status: 429, headers: { 'retry-after': '3600' } });
  await put(store, strict, ['b']);
  const { outcomes } = run(store, strict, { settings: { tries: 9, deadlineMs: 300 } });
  await until('it is given up', () => outcomes.includes('dropped'), 3_000);
  assert.equal(strict.all.length, 2, 'once more at the deadline');
});

test('a slow receiver does not delay another', async () => {
  const { store } = newStore();
  const [slow, quick] = [await receiving(), await receiving()];
  slow.answer = () => 'hang';
  for (const one of [slow, quick]) await put(store, one, ['a', 'b', 'c']);
  run(store, slow, { timeoutMs: 10_000 });
  run(store, quick);
  await until('the quick one has all', () => quick.taken.length === 3, 3_000);
  assert.equal(slow.all.length, 1);
});

test('an event that another master claimed between two attempts is not sent again here', async () => {
  const { store } = newStore();
  const receiver = await receiving();
  receiver.answer = () => 500;
  await put(store, receiver, ['a']);
  const { outcomes } = run(store, receiver, { settings: { tries: 50, deadlineMs: 10_000 }, backoffMs: 200 });
  await until('it has been tried', () => receiver.all.length === 1);
  assert.equal(await store.webhooks.claim(B, A), 1);
  await put(store, receiver, ['b'], { subject: 't' });
  await until('the next one is tried', () => names(receiver.all).includes('b'));
  assert.deepEqual(names(receiver.all), ['a', 'b']);
  assert.equal(outcomes.includes('dropped'), false);
});

test('nothing else is sent until the store has removed the delivered event', async () => {
  const { store } = newStore();
  const receiver = await receiving();
  await put(store, receiver, ['a', 'b']);
  let asked = 0;
  const outbox: WebhookQueueParts['outbox'] = {
    next: (owner, target) => store.webhooks.next(owner, target),
    remove: (seq) => {
      asked += 1;
      return asked < 5 ? Promise.reject(new StoreError('unavailable', 'down')) : store.webhooks.remove(seq);
    },
  };
  const { outcomes } = run(store, receiver, { outbox });
  await until('both have arrived', () => receiver.taken.length === 2);
  assert.deepEqual(names(receiver.all), ['a', 'b']);
  await until('both are removed', () => asked === 6);
  assert.deepEqual(outcomes, ['sent', 'sent']);
});

test('undelivered events stay at the end, for the next master', async () => {
  const { store } = newStore();
  const receiver = await receiving();
  receiver.answer = () => 'hang';
  await put(store, receiver, ['a']);
  const { queue, outcomes } = run(store, receiver, { timeoutMs: 30_000 });
  await until('it is being sent', () => receiver.all.length === 1);
  await queue.close();
  assert.equal(await store.webhooks.count(A, receiver.url), 1);
  assert.deepEqual(outcomes, []);
});

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { readRetryAfter, WebhookSender } from '../../src/server/master/webhooks/webhook-sender.ts';
import type { WebhookSettings } from '../../src/server/master/webhooks/webhook-settings.ts';
import { Receiver } from '../fixtures/webhooks/receiver.ts';

let receiver: Receiver;
const senders: WebhookSender[] = [];
before(async () => {
  receiver = await Receiver.start();
});
beforeEach(() => {
  receiver.all.length = 0;
});
after(async () => {
  for (const sender of senders) await sender.close();
  await receiver.close();
});

function sender(settings: Partial<WebhookSettings> = {}, url = receiver.url): WebhookSender {
  const made = new WebhookSender(url, { headers: [], secret: undefined, timeoutMs: 2_000, ...settings });
  senders.push(made);
  return made;
}
const EVENT = { id: 'evt_1', body: '{"event":"x","name":"Zoë"}' };

test('an event is POSTed unchanged, with its id, the configured headers and no signature', async () => {
  receiver.answer = () => 204;
  const headers = [
    { name: 'Authorization', value: 'Bearer abc' },
    { name: 'X-Env', value: 'test' },
  ];
  assert.deepEqual(await sender({ headers }, `${receiver.url}?a=b`).send(EVENT), { kind: 'sent' });
  const [call] = receiver.all;
  assert.ok(call);
  assert.equal(call.text, EVENT.body);
  assert.equal(call.path, '/hook?a=b');
  assert.equal(call.headers['content-type'], 'application/json');
  assert.equal(call.headers['authorization'], 'Bearer abc');
  assert.equal(call.headers['x-env'], 'test');
  assert.equal(call.headers['x-rejoin-event-id'], 'evt_1');
  assert.equal(call.headers['x-rejoin-signature'], undefined);
});

test('with a secret it is signed', async () => {
  receiver.answer = () => 200;
  await sender({ secret: 'S' }).send(EVENT);
  assert.match(String(receiver.all[0]?.headers['x-rejoin-signature']), /^t=\d+,v1=[0-9a-f]{64}$/);
});

test('only a 2xx is a success, and a redirection is not followed', async () => {
  for (const status of [400, 404, 500, 503, 304]) {
    receiver.answer = () => status;
    assert.deepEqual(await sender().send(EVENT), { kind: 'failed', why: `status ${status}` });
  }
  receiver.all.length = 0;
  receiver.answer = ({ path }) =>
    path === '/hook' ? { status: 307, headers: { location: `${receiver.url}/elsewhere` } } : 200;
  assert.deepEqual(await sender().send(EVENT), { kind: 'failed', why: 'status 307' });
  assert.equal(receiver.all.length, 1);
});

test('a silent receiver is awaited no longer than the time-out', async () => {
  receiver.answer = () => 'hang';
  const since = performance.now();
  assert.deepEqual(await sender({ timeoutMs: 300 }).send(EVENT), { kind: 'failed', why: 'no answer in 300 ms' });
  assert.ok(performance.now() - since < 2_000);
});

test('no listener, and a receiver’s Retry-After', async () => {
  const gone = await Receiver.start();
  const { url } = gone;
  await gone.close();
  assert.deepEqual(await sender({}, url).send(EVENT), { kind: 'failed', why: 'ECONNREFUSED' });
  receiver.answer = () => ({ status: 503, headers: { 'retry-after': '7' } });
  assert.deepEqual(await sender().send(EVENT), { kind: 'failed', why: 'status 503', retryAfterMs: 7_000 });
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(readRetryAfter('120', now), 120_000);
  assert.equal(readRetryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now), 5_000);
  assert.equal(readRetryAfter('Thu, 01 Jan 2025 00:00:05 GMT', now), 0);
  for (const text of [undefined, '', 'soon', '-1']) assert.equal(readRetryAfter(text, now), undefined, text);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import type { WebhookFlags } from '../../src/server/cli/flags.ts';
import { options, webhooksOf } from '../../src/server/cli/options.ts';
import { UsageError } from '../../src/server/cli/usage-error.ts';
import { readQueueLength, readWebhook, readWebhookEvent, readWebhookHeader } from '../../src/server/cli/values.ts';
import { webhookEnvironment } from '../../src/server/dev/webhook-environment.ts';
import type { WebhookSettings } from '../../src/server/master/webhooks/webhook-settings.ts';

const named = (name: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UsageError, String(error));
  assert.equal(error.name, name);
  assert.match(error.message, message);
  return true;
};

/** A master's options, from its command line and its environment. */
function read(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): WebhookSettings | undefined {
  const before = { ...process.env };
  Object.assign(process.env, environment);
  try {
    const command = new Command('x').exitOverride();
    for (const option of options.webhooks()) command.addOption(option);
    return webhooksOf(command.parse([...args], { from: 'user' }).opts<WebhookFlags>());
  } finally {
    for (const name of Object.keys(environment)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

test('a URL may contain anything but credentials', () => {
  assert.equal(readWebhook('https://example.org/hook?a=b'), 'https://example.org/hook?a=b');
  assert.equal(readWebhook('http://10.0.0.4:80'), 'http://10.0.0.4/');
  for (const text of ['', 'example.org', 'ftp://x/']) {
    assert.throws(() => readWebhook(text), named('InvalidWebhook', /not an HTTP URL/));
  }
  assert.throws(
    () => readWebhook('https://me:hidden@example.org/'),
    (error: Error) => named('InvalidWebhook', /example\.org/)(error) && !error.message.includes('hidden'),
  );
});

test('headers', () => {
  assert.deepEqual(readWebhookHeader('Authorization: Bearer a:b'), { name: 'Authorization', value: 'Bearer a:b' });
  assert.deepEqual(readWebhookHeader('x-env:  test '), { name: 'x-env', value: 'test' });
  for (const text of ['', 'nothing', ': x', 'a b: c', 'x: a\u0001', 'x: ☃']) {
    assert.throws(() => readWebhookHeader(text), named('InvalidHeader', /"Authorization: Bearer abc"/), text);
  }
  for (const name of ['Content-Type', 'host', 'X-Rejoin-Signature', 'content-length']) {
    assert.throws(() => readWebhookHeader(`${name}: x`), named('InvalidHeader', new RegExp(name)));
  }
  assert.throws(
    () => readWebhookHeader('x: hidden\u0001'),
    (error: Error) => !error.message.includes('hidden'),
  );
});

test('events and numbers', () => {
  assert.equal(readWebhookEvent('nodeCrashed'), 'nodeCrashed');
  assert.throws(() => readWebhookEvent('toString'), named('InvalidEvent', /"toString".*sessionCreated/));
  assert.equal(readQueueLength('10000'), 10_000);
  for (const text of ['0', '-1', '1000001', 'x']) {
    assert.throws(() => readQueueLength(text), named('InvalidQueueLength', /1000000/));
  }
});

test('without a URL there are no webhooks, and other webhook options are refused', () => {
  assert.equal(read([]), undefined);
  assert.throws(() => read(['--webhook-secret', 'S']), named('WebhookMissing', /--webhook/));
});

test('several of each, and the defaults', () => {
  assert.deepEqual(
    read([
      ...['--webhook', 'http://a/x,http://b/', '--webhook', 'http://a/x'],
      ...['--webhook-header', 'A: 1, 2', '--webhook-header', 'B: 3'],
      ...['--webhook-events', 'nodeCrashed,sessionCreated'],
    ]),
    {
      targets: ['http://a/x', 'http://b/'],
      headers: [
        { name: 'A', value: '1, 2' },
        { name: 'B', value: '3' },
      ],
      events: ['nodeCrashed', 'sessionCreated'],
      secret: undefined,
      tries: 5,
      timeoutMs: 5_000,
      deadlineMs: 60_000,
      queue: 10_000,
    },
  );
});

test('a development cluster passes its options to its masters by the environment', () => {
  const all: WebhookSettings = {
    targets: ['http://a/x', 'http://b/'],
    headers: [
      { name: 'A', value: '1, 2' },
      { name: 'B', value: '' },
    ],
    events: ['nodeCrashed', 'sessionCreated'],
    secret: 'S',
    tries: 2,
    timeoutMs: 3,
    deadlineMs: 4,
    queue: 5,
  };
  assert.deepEqual(read([], webhookEnvironment(all)), all);
  const bare = read([], webhookEnvironment({ targets: ['http://a/x'] }));
  assert.deepEqual(bare, read(['--webhook', 'http://a/x']));
  assert.deepEqual(webhookEnvironment(undefined), {});
});

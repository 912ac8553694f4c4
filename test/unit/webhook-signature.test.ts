import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WEBHOOK_EVENT_NAMES } from '../../src/server/master/webhooks/webhook-events.ts';
import { signatureOf } from '../../src/server/master/webhooks/webhook-signature.ts';
import { documentedCheck, webhooksPage } from '../fixtures/webhooks/documented-check.ts';

test("a signature equals the one computed by the page's instructions", async () => {
  const body = '{"event":"sessionCreated","data":"Zoë"}';
  const verify = await documentedCheck();
  const header = signatureOf(body, 'S', Date.now());
  assert.match(header, /^t=\d{10},v1=[0-9a-f]{64}$/);
  assert.equal(verify(body, header, 'S'), true);
  assert.equal(verify(Buffer.from(body), header, 'S'), true);
  // From OpenSSL: printf '1700000000.{}' | openssl dgst -sha256 -hmac S
  assert.equal(
    signatureOf('{}', 'S', 1_700_000_000_999),
    't=1700000000,v1=3864e46d51c79a6510e634a7eb4a9ebe45f68980cb35b3590ab24a222e6154d8',
  );
});

test('the page’s receiver refuses missing signatures, other secrets, other bodies and old deliveries', async () => {
  const verify = await documentedCheck();
  const body = '{"event":"sessionCreated"}';
  const now = Date.now();
  const header = signatureOf(body, 'S', now);
  assert.equal(verify(body, undefined, 'S'), false);
  assert.equal(verify(body, 'v1=', 'S'), false);
  assert.equal(verify(body, header, 'T'), false);
  assert.equal(verify(`${body} `, header, 'S'), false);
  assert.equal(verify(body, header.replace(/^t=\d+/, `t=${Math.floor(now / 1_000) + 1}`), 'S'), false);
  assert.equal(verify(body, signatureOf(body, 'S', now - 301_000), 'S'), false);
  assert.equal(verify(body, signatureOf(body, 'S', now - 301_000), 'S', 400), true);
});

test('the page names every event', () => {
  for (const name of WEBHOOK_EVENT_NAMES) assert.match(webhooksPage, new RegExp(`^\\| \`${name}\` \\|`, 'm'), name);
});

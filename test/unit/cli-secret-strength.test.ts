import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strongSecret } from '../../src/server/cli/secret-strength.ts';
import { isLoopback } from '../../src/server/shared/own-addresses.ts';

test('a secret of 32 characters is accepted', () => {
  for (const secret of ['a'.repeat(32), `${'b'.repeat(43)}=`, ` ${'c'.repeat(32)} `]) {
    assert.equal(strongSecret(secret), secret);
  }
});

test('a weaker one is refused, and not repeated', () => {
  for (const secret of ['MY_SECRET', 'a'.repeat(31), `${'b'.repeat(20)}${' '.repeat(20)}`]) {
    assert.throws(
      () => strongSecret(secret),
      ({ name, message }: Error) =>
        name === 'WeakSecret' && message.includes('openssl rand -base64 32') && !message.includes(secret),
    );
  }
});

test('addresses that only this machine can reach', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', '[::1]', 'localhost'])
    assert.equal(isLoopback(host), true, host);
  for (const host of [
    '0.0.0.0',
    '::',
    '10.0.0.4',
    '127.evil.example',
    'localhost.evil.example',
    '::ffff:10.0.0.4',
    '',
  ]) {
    assert.equal(isLoopback(host), false, host);
  }
});

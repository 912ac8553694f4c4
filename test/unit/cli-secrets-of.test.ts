import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DevFlags } from '../../src/server/cli/flags.ts';
import { devSecretOf } from '../../src/server/cli/secrets-of.ts';

const LOCAL = { host: '127.0.0.1' } as DevFlags;
const SHARED: readonly DevFlags[] = [
  { ...LOCAL, lan: 'private' },
  { ...LOCAL, lan: ['192.168.1.4'] },
  { ...LOCAL, host: '0.0.0.0' },
  { ...LOCAL, publicUrl: 'https://demo.example.org' },
];

test('the demo uses its public default secret only while no other machine can reach it', () => {
  assert.equal(devSecretOf(LOCAL), 'MY_SECRET');
  assert.equal(devSecretOf({ ...LOCAL, secret: 'weak' }), 'weak');
  for (const flags of SHARED) {
    const secret = devSecretOf(flags);
    assert.ok(secret.length >= 43, JSON.stringify(flags));
    assert.notEqual(devSecretOf(flags), secret);
  }
});

test('if other machines can reach it, a weak secret is refused', () => {
  for (const flags of SHARED) {
    assert.throws(() => devSecretOf({ ...flags, secret: 'weak' }), { name: 'WeakSecret' }, JSON.stringify(flags));
    assert.equal(devSecretOf({ ...flags, secret: 's'.repeat(32) }), 's'.repeat(32));
  }
});

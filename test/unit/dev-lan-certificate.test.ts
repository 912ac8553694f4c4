import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lanCertificate } from '../../src/server/dev/lan/lan-certificate.ts';

const NAMES = ['192.168.1.4', 'fd00::4', 'desk', 'desk.local'];
const DAY_MS = 86_400_000;

function folderFor(t: { after: (end: () => void) => void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'rejoin-lan-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('is valid for its names, signed by its authority, and readable only by this user', async (t) => {
  const folder = folderFor(t);
  const { certFile, keyFile, authority, fingerprint } = await lanCertificate(folder, NAMES);
  const leaf = new X509Certificate(readFileSync(certFile, 'utf8'));
  const issuer = new X509Certificate(authority);
  assert.ok(leaf.checkIP('192.168.1.4') && leaf.checkIP('fd00::4') && leaf.checkHost('desk.local'));
  assert.equal(leaf.checkIP('192.168.1.5'), undefined);
  assert.equal(leaf.checkHost('example.org'), undefined);
  assert.deepEqual([leaf.ca, issuer.ca, leaf.verify(issuer.publicKey)], [false, true, true]);
  assert.equal(leaf.fingerprint256, fingerprint);
  // iOS trusts no certificate with a longer life.
  assert.ok(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom) < 825 * DAY_MS);
  // The authority's key is not stored: the only key is the certificate's.
  assert.deepEqual(readdirSync(folder).toSorted(), ['lan.crt', 'lan.key']);
  const key = createPrivateKey(readFileSync(keyFile, 'utf8'));
  assert.deepEqual([leaf.checkPrivateKey(key), issuer.checkPrivateKey(key)], [true, false]);
  for (const file of [certFile, keyFile]) assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('is reused while it is valid for the names', async (t) => {
  const folder = folderFor(t);
  const first = await lanCertificate(folder, NAMES);
  assert.deepEqual(await lanCertificate(folder, NAMES), first);
  assert.deepEqual(await lanCertificate(folder, NAMES.slice(1)), first);
  assert.deepEqual(await lanCertificate(folder, NAMES, Date.now() + 80 * DAY_MS), first);
});

test('is replaced for another name, before it expires, and when it is unusable', async (t) => {
  const folder = folderFor(t);
  const { certFile, keyFile, ...first } = await lanCertificate(folder, NAMES);
  const seen = [first.fingerprint];
  const anew = async (why: string, now?: number): Promise<void> => {
    const { fingerprint } = await lanCertificate(folder, NAMES, now);
    assert.ok(!seen.includes(fingerprint), why);
    seen.push(fingerprint);
    const key = createPrivateKey(readFileSync(keyFile, 'utf8'));
    assert.ok(new X509Certificate(readFileSync(certFile, 'utf8')).checkPrivateKey(key), why);
  };
  const moved = await lanCertificate(folder, ['192.168.7.4']);
  seen.push(moved.fingerprint);
  await anew('other names');
  await anew('its last days', Date.now() + 84 * DAY_MS);
  await anew('not valid yet');
  writeFileSync(keyFile, readFileSync(keyFile, 'utf8').slice(0, 40));
  await anew('half a key');
  writeFileSync(certFile, 'no certificate');
  await anew('no certificate');
  const other = folderFor(t);
  await lanCertificate(other, NAMES);
  writeFileSync(keyFile, readFileSync(join(other, 'lan.key')));
  await anew('the key of another');
  chmodSync(keyFile, 0o600);
  rmSync(keyFile);
  await anew('no key');
});

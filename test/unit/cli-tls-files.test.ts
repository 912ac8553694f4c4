import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { tlsOf } from '../../src/server/cli/tls-files.ts';
import { lanCertificate } from '../../src/server/dev/lan/lan-certificate.ts';

test('a balancer serves TLS with a certificate and its key, and names the fault of others', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rejoin-tls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { certFile, keyFile } = await lanCertificate(folder, ['desk']);
  assert.equal(tlsOf({}), undefined);
  assert.match(tlsOf({ tlsCert: certFile, tlsKey: keyFile })?.cert ?? '', /^-----BEGIN CERTIFICATE-----/);
  assert.throws(() => tlsOf({ tlsCert: certFile }), { name: 'TlsIncomplete' });
  assert.throws(() => tlsOf({ tlsKey: keyFile }), { name: 'TlsIncomplete' });
  const refuses = (tlsCert: string, tlsKey: string): void =>
    assert.throws(
      () => tlsOf({ tlsCert, tlsKey }),
      (error) => error instanceof Error && error.name === 'TlsUnusable' && error.message.includes(tlsCert),
    );
  refuses(join(folder, 'missing.crt'), keyFile);
  refuses(certFile, join(folder, 'missing.key'));
  refuses(keyFile, keyFile);
  const foreign = join(folder, 'foreign.key');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(foreign, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  refuses(certFile, foreign);
});

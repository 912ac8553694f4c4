import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pino } from 'pino';
import { SecretFileError, Secrets } from '../../src/server/shared/secrets.ts';
import { until } from '../fixtures/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'rejoin-secrets-'));
after(() => rmSync(folder, { recursive: true }));

function aFile(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
const check = (secret: string): string => {
  if (secret.length < 3) throw new SecretFileError('too short');
  return secret;
};

describe('Secrets', () => {
  it('reads the current secret and, on a second line, another accepted one', () => {
    const secrets = Secrets.fromFile(aFile('two', ' first \n\nsecond\n'), check);
    assert.equal(secrets.current, 'first');
    assert.deepEqual(secrets.accepted, ['first', 'second']);
  });

  it('refuses a file that is missing, empty, too long or too weak', () => {
    for (const file of [
      join(folder, 'none'),
      aFile('empty', '\n'),
      aFile('three', 'aaa\nbbb\nccc'),
      aFile('weak', 'ab'),
    ]) {
      assert.throws(() => Secrets.fromFile(file, check), SecretFileError);
    }
  });

  it('follows a changing file, and keeps its secrets if the new text is invalid', async () => {
    const file = aFile('followed', 'first');
    const secrets = Secrets.fromFile(file, check);
    secrets.follow(file, check, pino({ level: 'silent' }));
    writeFileSync(file, 'second\nfirst');
    await until('the new secret is current', () => secrets.current === 'second', 10_000);
    assert.deepEqual(secrets.accepted, ['second', 'first']);
    writeFileSync(file, '');
    writeFileSync(file, 'third\nsecond');
    await until('the next secret is current', () => secrets.current === 'third', 10_000);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SealedBox } from '../../src/server/shared/sealed-box.ts';
import { Secrets } from '../../src/server/shared/secrets.ts';

describe('SealedBox', () => {
  const box = new SealedBox(Secrets.of('first secret'), 'test');

  it('opens its sealed text of any length, and reveals nothing of it', () => {
    for (const text of ['', 'x', 'ä€😀', 'credential '.repeat(500)]) {
      const sealed = box.seal(text, 'con_1');
      assert.equal(box.open(sealed, 'con_1'), text);
      assert.match(sealed, /^[A-Za-z0-9_-]+$/);
      assert.equal(Buffer.from(sealed, 'base64url').toString('latin1').includes('credential'), false);
    }
    assert.notEqual(box.seal('same', 'con_1'), box.seal('same', 'con_1'));
  });

  it('opens nothing for another owner, purpose or secret, and no changed text', () => {
    const sealed = box.seal('hunter2', 'con_1');
    assert.equal(box.open(sealed, 'con_2'), undefined);
    assert.equal(new SealedBox(Secrets.of('first secret'), 'other').open(sealed, 'con_1'), undefined);
    assert.equal(new SealedBox(Secrets.of('another'), 'test').open(sealed, 'con_1'), undefined);
    const bytes = Buffer.from(sealed, 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.equal(box.open(changed.toString('base64url'), 'con_1'), undefined, `byte ${at}`);
    }
    for (const short of ['', 'AAAA', bytes.subarray(0, 27).toString('base64url')]) {
      assert.equal(box.open(short, 'con_1'), undefined);
    }
  });

  it('opens with either secret while one is replaced by another, and seals with the present one', () => {
    const both = new SealedBox(Secrets.of('second secret', 'first secret'), 'test');
    assert.equal(both.open(box.seal('old', 'con_1'), 'con_1'), 'old');
    const sealed = both.seal('new', 'con_1');
    assert.equal(box.open(sealed, 'con_1'), undefined);
    assert.equal(new SealedBox(Secrets.of('second secret'), 'test').open(sealed, 'con_1'), 'new');
  });
});

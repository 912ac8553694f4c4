import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { derivedText } from '../../src/server/shared/derived-text.ts';

describe('derivedText', () => {
  it('is the same for the same secret and words, and different for others', () => {
    const text = derivedText('secret', ['a', 'b'], 16);
    assert.match(text, /^[A-Za-z0-9]{16}$/);
    assert.equal(derivedText('secret', ['a', 'b'], 16), text);
    const others = [
      derivedText('other', ['a', 'b'], 16),
      derivedText('secret', ['ab', ''], 16),
      derivedText('secret', ['a', 'b', ''], 16),
      derivedText('secret', ['a","b'], 16),
    ];
    assert.equal(new Set([text, ...others]).size, 5);
  });

  it('uses every letter and digit about as often', () => {
    const counts = new Map<string, number>();
    for (let index = 0; index < 500; index += 1) {
      for (const letter of derivedText('secret', [String(index)], 40))
        counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    assert.equal(counts.size, 62);
    const expected = (500 * 40) / 62;
    for (const [letter, count] of counts) assert.ok(Math.abs(count - expected) < expected / 2, `${letter}: ${count}`);
  });

  it('refuses lengths beyond the digest', () => {
    assert.throws(() => derivedText('secret', ['a'], 41), RangeError);
  });
});

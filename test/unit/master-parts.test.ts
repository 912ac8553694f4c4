import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PartFrame } from '../../src/protocol/frames.ts';
import { LIMITS } from '../../src/protocol/limits.ts';
import { Parts } from '../../src/server/master/edge/parts.ts';

const LARGE = JSON.stringify({ t: 'evt', data: 'a"😀\n'.repeat(20_000) });

function taken(): Parts {
  const parts = new Parts();
  parts.areTaken = true;
  return parts;
}

describe('Parts', () => {
  it('sends a large frame whole to a client without parts, and a small one to any client', () => {
    assert.deepEqual(new Parts().of(LARGE), [LARGE]);
    const just = 'x'.repeat(LIMITS.partLength);
    assert.deepEqual(taken().of(just), [just]);
  });

  it('cuts anywhere, even inside a character, and loses nothing', () => {
    for (const from of [0, 1, 2]) {
      const text = LARGE.slice(from);
      const parts = taken()
        .of(text)
        .map((message) => JSON.parse(message) as PartFrame);
      assert.ok(parts.length > 5);
      assert.equal(parts.map((part) => part.text).join(''), text);
      assert.deepEqual(
        parts.map(({ last }) => last === true),
        parts.map((_part, at) => at === parts.length - 1),
      );
    }
  });

  it("accepts a client's report of progress once, and never beyond the sent parts", () => {
    const parts = taken();
    const { length } = parts.of(LARGE);
    assert.deepEqual(
      [0, 1, 1, length + 1, length, length - 1, length].map((count) => parts.told(count)),
      [false, true, false, false, true, false, false],
    );
  });
});

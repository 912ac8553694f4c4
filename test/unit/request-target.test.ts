import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isUnder, pathOf, targetFault } from '../../src/server/shared/request-target.ts';

test('a path is accepted unchanged, or refused', () => {
  const faults: readonly (readonly [string, ReturnType<typeof targetFault>])[] = [
    ['/', undefined],
    ['/a/b.c/~d?x=%2F..%2f&y=//', undefined],
    ['/a%20b/%c3%a9/%00', undefined],
    ['', 'ABSOLUTE_TARGET'],
    ['*', 'ABSOLUTE_TARGET'],
    ['a/b', 'ABSOLUTE_TARGET'],
    ['http://x/a', 'ABSOLUTE_TARGET'],
    ['/a\u0000', 'CONTROL_CHARACTER'],
    ['/a\tb', 'CONTROL_CHARACTER'],
    ['/a?b\u007f', 'CONTROL_CHARACTER'],
    ['/a\\b', 'BACKSLASH'],
    ['/a?b\\c', 'BACKSLASH'],
    ['/a%2Fb', 'ENCODED_SEPARATOR'],
    ['/a%5cb', 'ENCODED_SEPARATOR'],
    ['/%2e', 'ENCODED_SEPARATOR'],
    ['//a', 'EMPTY_SEGMENT'],
    ['/a//', 'EMPTY_SEGMENT'],
    ['/.', 'PATH_NOT_NORMAL'],
    ['/a/../b', 'PATH_NOT_NORMAL'],
    ['/a b', 'PATH_NOT_NORMAL'],
    ['/é', 'PATH_NOT_NORMAL'],
    ['/a#b', 'PATH_NOT_NORMAL'],
    ['/a?b#c', 'PATH_NOT_NORMAL'],
  ];
  for (const [target, fault] of faults) assert.equal(targetFault(target), fault, JSON.stringify(target));
});

test('every parser reads an accepted path in the same way', () => {
  const part = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2F',
    '%5c',
    '\\',
    '%69',
    'internal',
    'a',
    '?',
    '#',
    '%',
    ' ',
    '@',
    ':',
  );
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 12 }).map((parts) => `/${parts.join('')}`),
      (target) => {
        if (targetFault(target)) return;
        const path = pathOf(target);
        assert.equal(new URL(target, 'http://x').pathname, path);
        assert.equal(new URL(`http://x${target}`).pathname, path);
        let decoded = path;
        try {
          decoded = decodeURIComponent(path);
        } catch {
          // The router refuses it.
          return;
        }
        // Decoding moves no segment.
        assert.equal(decoded.split(/[/\\]/).length, path.split('/').length);
        assert.ok(!decoded.split('/').some((segment) => segment === '.' || segment === '..'));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('below a prefix, unchanged', () => {
  assert.deepEqual(
    ['/a/b', '/a/b/c', '/a/bc', '/a', '/A/b'].map((path) => isUnder(path, '/a/b')),
    [true, true, false, false, false],
  );
});

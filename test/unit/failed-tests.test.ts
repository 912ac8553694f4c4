import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const script = pathToFileURL(join(import.meta.dirname, '../../scripts/tests/failed-tests.mjs')).href;
const { failedInPlaywright, failedInTap } = (await import(script)) as {
  failedInTap(report: string): string[];
  failedInPlaywright(report: object): string[];
};

const TESTS = `
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
test('good', () => {});
describe('a group', () => {
  test('within', () => assert.equal(1, 2, 'one is not two'));
});
test('throws', () => {
  throw new Error('the first line\\nthe second');
});
`;

test('failed tests are named with location and message, passed ones and groups are not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rejoin-failed-'));
  try {
    const file = join(folder, 'some.test.mjs');
    writeFileSync(file, TESTS);
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], { encoding: 'utf8', env });
    assert.deepEqual(
      failedInTap(stdout).map((text) => text.replaceAll(folder, '')),
      ['within\n    /some.test.mjs:6:3\n    one is not two', 'throws\n    /some.test.mjs:8:1\n    the first line'],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the same for a Playwright report', () => {
  const spec = (title: string, ok: boolean, message?: string): object => ({
    title,
    ok,
    file: 'room.spec.ts',
    line: 7,
    tests: [{ results: [message === undefined ? {} : { error: { message } }] }],
  });
  const report = {
    suites: [{ specs: [spec('good', true)], suites: [{ specs: [spec('bad', false, 'Error: no\nat')] }] }],
  };
  assert.deepEqual(failedInPlaywright(report), ['bad\n    room.spec.ts:7\n    Error: no']);
  assert.deepEqual(failedInPlaywright({}), []);
});

/** Finds the unit tests that a change affects: tests that are changed, or import a changed file, directly or not. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

const IMPORT = /(?:from|import|import\()\s*'(\.[^']*)'/g;
/** Some tests read or start files instead of importing them; their text contains the path. */
const MENTION = /'([\w./-]+\.(?:ts|tsx|mjs|md|json))'/g;

/**
 * @param {readonly string[]} changed paths from the root of the repository
 * @returns {Promise<string[]>} test files
 */
export async function testsOf(changed) {
  const tests = [];
  for await (const file of glob('test/unit/**/*.test.ts')) {
    const needed = neededBy(file);
    if (changed.some((path) => needed.has(path))) tests.push(file);
  }
  return tests.sort();
}

/** The files that differ from the last commit, new ones included. If there are none, the files that it changed. */
export function changedFiles() {
  const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).split('\n').filter(Boolean);
  const now = [...git('diff', '--name-only', 'HEAD'), ...git('ls-files', '--others', '--exclude-standard')];
  return now.length > 0 ? now : git('diff', '--name-only', 'HEAD~1', 'HEAD');
}

function neededBy(test) {
  const needed = new Set([test]);
  for (const file of needed) {
    if (!existsSync(file) || !/\.(ts|tsx|mjs)$/.test(file)) continue;
    const text = readFileSync(file, 'utf8');
    for (const [, path] of text.matchAll(IMPORT)) needed.add(normalize(join(dirname(file), path)));
    if (file !== test) continue;
    for (const [, path] of text.matchAll(MENTION)) {
      for (const place of [path, join(dirname(file), path)]) if (existsSync(place)) needed.add(normalize(place));
    }
  }
  return needed;
}

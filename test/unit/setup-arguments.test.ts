import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';

/** A typo is reported before set-up, which takes minutes on a fresh clone, does anything. */

interface Arguments {
  readonly SUITES: readonly string[];
  readonly ARGUMENTS: Readonly<Record<string, { options: readonly string[]; names?: readonly string[] }>>;
}

const ROOT = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'rejoin-arguments-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A clone without installed packages, and an npm that only records its calls. */
function freshClone(): { readonly path: string; readonly asked: string; readonly env: NodeJS.ProcessEnv } {
  const path = mkdtempSync(join(folder, 'clone-'));
  for (const name of ['scripts', 'package.json', 'package-lock.json']) {
    cpSync(join(ROOT, name), join(path, name), { recursive: true });
  }
  const bin = mkdtempSync(join(folder, 'bin-'));
  const asked = join(bin, 'asked');
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\necho "$@" >> ${asked}\nexit 1\n`, { mode: 0o755 });
  const { MEDIASOUP_WORKER_BIN: _worker, CHROMIUM_PATH: _chromium, ...env } = process.env;
  return { path, asked, env: { ...env, PATH: `${bin}:${process.env['PATH']}`, REJOIN_CACHE_DIR: join(path, 'cache') } };
}

for (const [command, args, said] of [
  ['demo', ['--mistyped'], /Unknown option "--mistyped".*--media-nodes/],
  ['demo', ['--masters', '3', '--prot=1'], /Unknown option "--prot"/],
  ['demo', ['-p', '1'], /Unknown option "-p"/],
  ['bench', ['--trails', '3', 'storm'], /Unknown option "--trails"/],
  ['bench', ['strom'], /Unknown benchmark "strom".*owner-crash/],
  ['bench', [], /The name of a benchmark is missing.*owner-crash/],
  ['chaos', ['--minute', '3'], /Unknown option "--minute"/],
  ['test', ['integratoin'], /Unknown suite "integratoin".*integration/],
  ['setup', ['--brwoser'], /Unknown option "--brwoser".*--browser/],
] as const) {
  test(`"${command} ${args.join(' ')}" is refused in a fresh clone, and nothing is installed`, () => {
    const { path, asked, env } = freshClone();
    const run = spawnSync(process.execPath, [join(path, 'scripts', 'run.mjs'), command, ...args], {
      env,
      encoding: 'utf8',
    });
    assert.equal(run.status, 2, run.stderr);
    assert.match(run.stderr, said);
    assert.ok(!existsSync(asked), 'npm is not called');
  });
}

test('the names in set-up are those of the programs', async () => {
  const { SUITES, ARGUMENTS } = (await import(
    pathToFileURL(join(ROOT, 'scripts/setup/arguments.mjs')).href
  )) as Arguments;
  const help = (...args: string[]): string =>
    execFileSync(process.execPath, [...args, '--help'], { cwd: ROOT, encoding: 'utf8' });
  const texts: Readonly<Record<string, string>> = {
    demo: help('src/server/cli.ts', 'dev'),
    bench: help('bench/bench.ts'),
    chaos: help('test/chaos/chaos.ts'),
  };
  for (const [command, { options, names = [] }] of Object.entries(ARGUMENTS)) {
    const text = texts[command] ?? '';
    const known = [...text.matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm)]
      .map(([, name]) => name)
      .filter((name) => name !== 'help');
    assert.deepEqual([...options].sort(), known.sort(), command);
    for (const name of names) assert.ok(text.includes(name), `${command}: ${name}`);
  }
  const suites = help('scripts/test.mjs').split('\n')[0] ?? '';
  assert.ok(suites.includes(SUITES.join('|')), suites);
});

test('the values of options are checked before the media worker is installed', () => {
  const env = { ...process.env, MEDIASOUP_WORKER_BIN: undefined, REJOIN_CACHE_DIR: join(folder, 'no-worker') };
  for (const args of [
    ['demo', '--port', 'abc'],
    ['chaos', '--minutes', '0'],
    ['bench', 'storm', '--trials', 'x'],
  ]) {
    const run = spawnSync(process.execPath, [join(ROOT, 'scripts', 'run.mjs'), ...args], { env, encoding: 'utf8' });
    assert.equal(run.status, 2, run.stderr);
    assert.ok(!existsSync(join(folder, 'no-worker')), args.join(' '));
  }
});

test('set-up installs with npm ci, so that it installs exactly the lock file', () => {
  const { path, asked, env } = freshClone();
  const run = spawnSync(process.execPath, [join(path, 'scripts', 'run.mjs'), 'setup'], { env, encoding: 'utf8' });
  assert.equal(run.status, 1);
  assert.match(run.stderr, /InstallFailed: npm ci failed/);
  assert.match(readFileSync(asked, 'utf8'), /^ci /);
});

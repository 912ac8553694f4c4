import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

/** `npm ci` refuses a lock file from which packages for other platforms are missing, and npm sometimes leaves them out. */

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

const ROOT = join(import.meta.dirname, '..', '..');
const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as LockFile;

/** Where a dependency of the package at `path` is, as Node would look for it. */
function isLocked(path: string, dependency: string): boolean {
  const steps = path.split('/node_modules/');
  const places = steps.map((_, index) => `${steps.slice(0, steps.length - index).join('/node_modules/')}/`);
  return [...(path === '' ? [] : places), ''].some((place) => packages[`${place}node_modules/${dependency}`]);
}

test('the lock file has every optional package of every package', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isLocked(path, name)),
  );
  assert.deepEqual(missing, []);
});

test('the lock file has the natives of the tools for each platform that people develop on', () => {
  const platforms = {
    '@rollup/rollup-': ['darwin-arm64', 'darwin-x64', 'win32-arm64-msvc', 'win32-x64-msvc', ...linux('-gnu', '-musl')],
    '@rolldown/binding-': [
      'darwin-arm64',
      'darwin-x64',
      'win32-arm64-msvc',
      'win32-x64-msvc',
      ...linux('-gnu', '-musl'),
    ],
    'lightningcss-': ['darwin-arm64', 'darwin-x64', 'win32-arm64-msvc', 'win32-x64-msvc', ...linux('-gnu', '-musl')],
    '@biomejs/cli-': ['darwin-arm64', 'darwin-x64', 'win32-arm64', 'win32-x64', ...linux('', '-musl')],
    '@esbuild/': ['darwin-arm64', 'darwin-x64', 'win32-arm64', 'win32-x64', ...linux('')],
    '@typescript/typescript-': ['darwin-arm64', 'darwin-x64', 'win32-arm64', 'win32-x64', ...linux('')],
  };
  for (const [prefix, names] of Object.entries(platforms)) {
    for (const name of names) assert.ok(packages[`node_modules/${prefix}${name}`], `${prefix}${name}`);
  }
});

test('npm ci accepts the lock file for package.json', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rejoin-lock-'));
  try {
    for (const name of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(ROOT, name), join(folder, name));
    const { status, stderr } = spawnSync('npm', ['ci', '--dry-run', '--offline'], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function linux(...libraries: readonly string[]): string[] {
  return libraries.flatMap((library) => ['arm64', 'x64'].map((cpu) => `linux-${cpu}${library}`));
}

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

/** `npm ci` refuses a lock file that lacks packages for other platforms, and npm sometimes omits them. */

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

type Packages = LockFile['packages'];

const ROOT = join(import.meta.dirname, '..', '..');
const packages = packagesOf('package-lock.json');

function packagesOf(file: string): Packages {
  return (JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as LockFile).packages;
}

/** Whether the lock file has a dependency of the package at `path` in a folder where Node looks for it. */
function isLocked(packages: Packages, path: string, dependency: string): boolean {
  const steps = path.split('/node_modules/');
  const places = steps.map((_, index) => `${steps.slice(0, steps.length - index).join('/node_modules/')}/`);
  return [...(path === '' ? [] : places), ''].some((place) => packages[`${place}node_modules/${dependency}`]);
}

for (const file of ['package-lock.json', 'examples/package-lock.json']) {
  test(`${file} has every optional package of every package`, () => {
    const locked = packagesOf(file);
    const missing = Object.entries(locked).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !isLocked(locked, path, name)),
    );
    assert.deepEqual(missing, []);
  });
}

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

for (const place of ['.', 'examples']) {
  test(`npm ci accepts ${join(place, 'package-lock.json')} for each package.json`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'rejoin-lock-'));
    try {
      const names = ['package.json', 'package-lock.json', '.npmrc', 'examples/package-lock.json', 'examples/.npmrc'];
      for (const name of [...names, ...globSync('examples/{package.json,*/package.json}', { cwd: ROOT })]) {
        cpSync(join(ROOT, name), join(folder, name));
      }
      const npm = { cwd: join(folder, place), encoding: 'utf8' } as const;
      const { status, stderr } = spawnSync('npm', ['ci', '--dry-run', '--offline'], npm);
      assert.equal(status, 0, stderr);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

function linux(...libraries: readonly string[]): string[] {
  return libraries.flatMap((library) => ['arm64', 'x64'].map((cpu) => `linux-${cpu}${library}`));
}

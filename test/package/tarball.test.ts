import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { Consumer, ROOT } from './consumer.ts';

/** Maximum of a user's download, source maps included. */
const UNPACKED_BYTES = 8 * 1024 * 1024;
/** Scripts that npm runs by itself when it installs a package. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];
const DEPENDENCIES = ['dependencies', 'peerDependencies', 'optionalDependencies', 'bundleDependencies'];

let consumer: Consumer;
before(async () => {
  consumer = await Consumer.install();
});
after(() => consumer.remove());

test('publint reports nothing, not even a suggestion', async () => {
  const { messages, pkg } = await publint({ pkgDir: consumer.inPackage(), pack: false, strict: true });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg, { color: false })),
    [],
  );
});

test('every entry has types that agree with its code, for every way of resolving modules', async () => {
  const bytes = await readFile(consumer.tarball.path);
  const checked = await checkPackage(createPackageFromTarballData(new Uint8Array(bytes)));
  assert.ok(checked.types, 'the package has types');
  assert.deepEqual(Object.keys(checked.entrypoints).sort(), ['.', './node-client', './package.json']);
  assert.deepEqual(checked.problems, []);
});

test('the tarball contains the files for users, and nothing of the servers', async () => {
  const { files } = consumer.tarball;
  const foreign = files.filter(
    (path) =>
      !/^(package\.json|LICENSE|README\.md|docs\/[a-z-]+\.md|dist\/(rejoin|openvidu-compat|node-client)\.[a-z.]+)$/.test(
        path,
      ),
  );
  assert.deepEqual(foreign, []);
  for (const bundle of files.filter((path) => /\.(mjs|cjs|js)$/.test(path))) {
    const foreignModules = (await importsOf(consumer.inPackage(bundle))).filter((name) => !isOwnNode(bundle, name));
    assert.deepEqual(foreignModules, [], `what ${bundle} needs from elsewhere`);
  }
  const sizes = await Promise.all(files.map(async (path) => (await stat(consumer.inPackage(path))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(total < UNPACKED_BYTES, `${total} bytes`);
});

test('the licenses name the authors of all bundled packages', async () => {
  const named = await readFile(consumer.inPackage('dist', 'rejoin.licenses.txt'), 'utf8');
  const maps = consumer.tarball.files.filter((path) => path.endsWith('.map'));
  const parts = await Promise.all(maps.map((map) => packagesIn(consumer.inPackage(map))));
  const unnamed = [...new Set(parts.flat())].filter((name) => !new RegExp(`^${name} \\d`, 'm').test(named));
  assert.deepEqual(unnamed, []);
  assert.match(named, /^mediasoup-client .* \(ISC\)\n\nISC License\n/m);
});

test('the installation adds only this package, and runs nothing', async () => {
  const found = await readdir(consumer.at('node_modules'));
  assert.deepEqual(found.sort(), ['.package-lock.json', 'rejoin']);
  const lock: unknown = JSON.parse(await readFile(consumer.at('node_modules', '.package-lock.json'), 'utf8'));
  const { packages } = lock as { packages: Record<string, { hasInstallScript?: boolean }> };
  assert.deepEqual(Object.keys(packages), ['node_modules/rejoin']);
  assert.equal(packages['node_modules/rejoin']?.hasInstallScript, undefined);
  // npm announces each script that it runs with the package's name.
  assert.doesNotMatch(consumer.installed.stdout + consumer.installed.stderr, /> rejoin@/);

  const manifest = await consumer.manifest();
  for (const name of DEPENDENCIES) assert.equal(manifest[name], undefined, name);
  const scripts = Object.keys(manifest['scripts'] ?? {});
  assert.deepEqual(
    scripts.filter((name) => INSTALL_SCRIPTS.includes(name)),
    [],
  );
  // Its presence alone would make npm build something.
  assert.ok(!consumer.tarball.files.includes('binding.gyp'));
});

/** The packages in a bundle, by its source map. */
async function packagesIn(map: string): Promise<string[]> {
  const { sources } = JSON.parse(await readFile(map, 'utf8')) as { sources: string[] };
  const folders = sources.flatMap(
    (source) => /node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(source)?.[0] ?? [],
  );
  return Promise.all([...new Set(folders)].map((folder) => nameOf(join(ROOT, folder))));
}

/** A folder may have another name than its package. */
async function nameOf(folder: string): Promise<string> {
  return (JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { name: string }).name;
}

/** All imports and requires of a bundle. */
async function importsOf(file: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  });
  return Object.values(metafile.inputs).flatMap(({ imports }) => imports.map(({ path }) => path));
}

/** The node-client may use Node's own modules. */
function isOwnNode(bundle: string, name: string): boolean {
  return bundle.startsWith('dist/node-client.') && name.startsWith('node:');
}

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, beforeEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';

/** Set-up runs a prebuilt media worker only if its archive has the pinned hash. The archive here is a fake. */

interface Context {
  readonly log: PassThrough;
  readonly node: string;
  readonly pins: string;
  readonly build: () => Promise<string>;
}
interface Pins {
  workerPlatform(): string;
  pinOf(version: string, platform: string, file: string): string | undefined;
}
interface Prebuilt {
  pinWorkers(options: {
    log: PassThrough;
    version: string;
    platforms: readonly string[];
    file: string;
  }): Promise<string[]>;
}

const ROOT = join(import.meta.dirname, '..', '..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules/mediasoup/package.json'), 'utf8')) as {
  version: string;
};
const folder = mkdtempSync(join(tmpdir(), 'rejoin-pins-'));
const pins = join(folder, 'pins.json');
const ran = join(folder, 'ran');
const built = join(folder, 'built');
const asked: string[] = [];

let archive: Buffer;
let hash = '';
let log = new PassThrough();
let provideWorker: (context: Context) => Promise<string>;
let pinned: Pins;
let prebuilt: Prebuilt;

const server = createServer(({ url = '' }, answer) => {
  asked.push(url);
  answer.writeHead(url.endsWith('.tgz') && !url.includes('nowhere') ? 200 : 404).end(archive);
});

async function load<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(join(ROOT, 'scripts/setup', name)).href)) as T;
}

before(async () => {
  // Exits like a worker that was started by hand.
  writeFileSync(join(folder, 'mediasoup-worker'), `#!/bin/sh\necho run >> ${ran}\nexit 41\n`, { mode: 0o755 });
  execFileSync('tar', ['-czf', join(folder, 'worker.tgz'), '-C', folder, 'mediasoup-worker']);
  archive = readFileSync(join(folder, 'worker.tgz'));
  hash = createHash('sha256').update(archive).digest('hex');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  process.env['MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL'] = `http://127.0.0.1:${port}`;
  delete process.env['MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD'];
  ({ provideWorker } = await load<{ provideWorker: typeof provideWorker }>('worker.mjs'));
  pinned = await load<Pins>('worker-pins.mjs');
  prebuilt = await load<Prebuilt>('worker-prebuilt.mjs');
});

after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  const cache = mkdtempSync(join(folder, 'cache-'));
  process.env['REJOIN_CACHE_DIR'] = cache;
  rmSync(ran, { force: true });
  asked.length = 0;
  log = new PassThrough();
});

function provide(): Promise<string> {
  return provideWorker({ log, node: process.execPath, pins, build: async () => built });
}

function pin(value: string): void {
  writeFileSync(pins, JSON.stringify({ [version]: { [pinned.workerPlatform()]: value } }));
}

test('an archive with the pinned hash is used, and fetched once', async () => {
  pin(hash);
  const path = await provide();
  assert.ok(path.startsWith(process.env['REJOIN_CACHE_DIR'] ?? '?'), path);
  assert.ok(existsSync(ran));
  assert.equal(await provide(), path);
  assert.deepEqual(asked, [`/${version}/mediasoup-worker-${version}-${pinned.workerPlatform()}.tgz`]);
});

test('another archive is refused with a named error, and none of it runs', async () => {
  pin('0'.repeat(64));
  await assert.rejects(provide(), ({ name, message }: Error) => {
    return name === 'WorkerPinMismatch' && message.includes(hash) && message.includes('0'.repeat(64));
  });
  assert.equal(existsSync(ran), false);
  // A worker that was kept under another pin is not used either.
  pin(hash);
  await provide();
  rmSync(ran);
  pin('0'.repeat(64));
  await assert.rejects(provide(), { name: 'WorkerPinMismatch' });
  assert.equal(existsSync(ran), false);
});

test('without a pin nothing is fetched, and the worker is built from its sources', async () => {
  writeFileSync(pins, '{}');
  // A worker from the time before pins.
  const old = join(
    process.env['REJOIN_CACHE_DIR'] ?? '',
    'worker',
    `${version}-${process.platform}-${process.arch}-prebuilt`,
  );
  mkdirSync(old, { recursive: true });
  writeFileSync(join(old, 'mediasoup-worker'), `#!/bin/sh\necho run >> ${ran}\nexit 41\n`, { mode: 0o755 });
  assert.equal(await provide(), built);
  assert.deepEqual(asked, []);
  assert.equal(existsSync(ran), false);
  assert.match(String(log.read()), /no hash is pinned for the prebuilt media worker/);
});

test('without an archive, or without one that starts, the worker is built', async () => {
  pin(hash);
  const base = process.env['MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL'];
  process.env['MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL'] = `${base}/nowhere`;
  assert.equal(await provide(), built);
  process.env['MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL'] = 'http://127.0.0.1:1';
  assert.equal(await provide(), built);
  process.env['MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL'] = base;
});

test('a pin must be a hash', async () => {
  pin('todo');
  await assert.rejects(provide(), { name: 'WorkerPinInvalid' });
  for (const [versionPinned, platforms] of Object.entries(
    JSON.parse(readFileSync(join(ROOT, 'scripts/worker/pins.json'), 'utf8')) as Record<string, Record<string, string>>,
  )) {
    for (const platform of Object.keys(platforms)) {
      assert.ok(pinned.pinOf(versionPinned, platform, join(ROOT, 'scripts/worker/pins.json')));
    }
  }
});

test('a maintainer pins the offered archives without running them', async () => {
  writeFileSync(pins, JSON.stringify({ '3.0.0': { a: hash } }));
  const platforms = ['linux-x64-kernel6', 'darwin-arm64'];
  const lines = await prebuilt.pinWorkers({ log, version, platforms, file: pins });
  assert.equal(lines.length, 2);
  for (const platform of platforms) assert.equal(pinned.pinOf(version, platform, pins), hash);
  assert.equal(pinned.pinOf('3.0.0', 'a', pins), hash);
  assert.equal(existsSync(ran), false);
  const missing = prebuilt.pinWorkers({ log, version, platforms: ['nowhere'], file: pins });
  await assert.rejects(missing, { name: 'WorkerNotOffered' });
});

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Failure } from './failure.mjs';
import { root } from './places.mjs';

/**
 * The SHA-256 of each official archive with a prebuilt media worker that may be run: `{ version: { platform: hash } }`. The
 * worker is the only code here that no entry of package-lock.json vouches for.
 */
const FILE = join(root, 'scripts', 'worker', 'pins.json');

/** The platform as the names of the archives tell it, e.g. `linux-x64-kernel6`. */
export function workerPlatform() {
  const kernel = process.platform === 'linux' ? `-kernel${release().split('.')[0]}` : '';
  return `${process.platform}-${process.arch}${kernel}`;
}

/** Where mediasoup publishes the archive. */
export function archiveUrl(version, platform) {
  const base =
    process.env.MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL ||
    'https://github.com/versatica/mediasoup/releases/download';
  return `${base}/${version}/mediasoup-worker-${version}-${platform}.tgz`;
}

/**
 * The hash that the archive must have; `undefined` when nobody has pinned it.
 *
 * @param {string} version
 * @param {string} platform
 * @returns {string | undefined}
 */
export function pinOf(version, platform, file = FILE) {
  const pin = readPins(file)[version]?.[platform];
  if (pin === undefined || /^[0-9a-f]{64}$/.test(pin)) return pin;
  throw new Failure(
    'WorkerPinInvalid',
    `${file} has no SHA-256 for ${version}, ${platform}: "${pin}".`,
    'let it be 64 hexadecimal digits, as "npm run setup -- --pin-worker" writes them',
  );
}

/** Writes a pin down, in order of versions and platforms. */
export function writePin(version, platform, hash, file = FILE) {
  const pins = readPins(file);
  const platforms = { ...pins[version], [platform]: hash };
  const all = { ...pins, [version]: sorted(platforms) };
  writeFileSync(file, `${JSON.stringify(sorted(all), null, 2)}\n`);
}

/** @param {Uint8Array} bytes */
export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function readPins(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })));
}

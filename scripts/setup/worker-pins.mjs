import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Failure } from './failure.mjs';
import { root } from './places.mjs';

/**
 * The SHA-256 of each trusted archive with a prebuilt media worker: `{ version: { platform: hash } }`. The worker is
 * the only code here that package-lock.json does not verify.
 */
const FILE = join(root, 'scripts', 'worker', 'pins.json');

/** The platform as in the archives' names, e.g. `linux-x64-kernel6`. */
export function workerPlatform() {
  const kernel = process.platform === 'linux' ? `-kernel${release().split('.')[0]}` : '';
  return `${process.platform}-${process.arch}${kernel}`;
}

/** mediasoup's URL of the archive. */
export function archiveUrl(version, platform) {
  const base =
    process.env.MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL ||
    'https://github.com/versatica/mediasoup/releases/download';
  return `${base}/${version}/mediasoup-worker-${version}-${platform}.tgz`;
}

/**
 * The required hash of the archive; `undefined` without a pin.
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
    'replace it by 64 hexadecimal digits, as "npm run setup -- --pin-worker" writes them',
  );
}

/** Writes a pin, ordered by versions and platforms. */
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

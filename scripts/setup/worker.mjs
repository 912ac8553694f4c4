import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { versions } from './debian.mjs';
import { Failure } from './failure.mjs';
import { withLock } from './lock.mjs';
import { cacheDir, digest, root } from './places.mjs';
import { buildWorker, LIBRARIES, recipe } from './worker-build.mjs';
import { pinOf, workerPlatform } from './worker-pins.mjs';
import { fetchPrebuilt, pinWorkers } from './worker-prebuilt.mjs';

/** The exit code of a working worker that was not started by its library. */
const STARTED_BY_HAND = 41;

/**
 * The mediasoup worker in MEDIASOUP_WORKER_BIN, if it is set. It must start.
 *
 * @returns {string | undefined} its path
 */
export function givenWorker() {
  const given = process.env.MEDIASOUP_WORKER_BIN;
  if (!given) return undefined;

  const path = resolve(given);
  const problem = problemOf(path);
  if (!problem) return path;
  throw new Failure(
    'WorkerBinBroken',
    `MEDIASOUP_WORKER_BIN is ${path}, but ${problem}.`,
    'set it to a mediasoup worker that starts on this machine, or let set-up install one: unset MEDIASOUP_WORKER_BIN',
  );
}

/**
 * A mediasoup worker from the first source that has one: the cache, the official downloads, a build from the sources.
 * A download is used only if its hash is pinned. The sources come from the npm package, which package-lock.json pins.
 *
 * @param {object} context
 * @param {NodeJS.WritableStream} context.log
 * @param {string} context.node the Node that checks a built worker
 * @param {string} [context.pins] the file with the pins
 * @param {typeof buildWorker} [context.build]
 * @returns {Promise<string>} its path
 */
export async function provideWorker({ log, node, pins, build = buildWorker }) {
  const version = mediasoupVersion();
  const pin = pinOf(version, workerPlatform(), pins);
  const name = `${version}-${process.platform}-${process.arch}`;
  const place = (variant) => join(cacheDir(), 'worker', `${name}-${variant}`, 'mediasoup-worker');
  // A download that was kept without a pin, or under another pin, must not run.
  const prebuilt = pin && place(`prebuilt-${pin.slice(0, 16)}`);
  const built = () => {
    const libraries = versions(LIBRARIES);
    return libraries.every(Boolean) ? place(digest(...libraries, ...recipe())) : undefined;
  };
  const cached = () => [prebuilt, built()].find((path) => path && !problemOf(path));

  return (
    cached() ??
    withLock(`worker-${name}`, log, async ({ abandoned }) => {
      // Another process may have made it during the wait.
      const ready = cached();
      if (ready) return ready;
      if (await fetchPrebuilt({ log, version, pin, problemOf, keep: (path) => keep(path, prebuilt) })) return prebuilt;
      return build({ log, node, abandoned, name, cached, keep: (path) => keep(path, built()) });
    })
  );
}

/**
 * Pins the hashes of the official workers that are offered now.
 *
 * @param {NodeJS.WritableStream} log
 * @param {string[]} platforms default: this one
 * @returns {Promise<string[]>} the pins, one line each
 */
export function pinOfficialWorkers(log, platforms) {
  return pinWorkers({ log, version: mediasoupVersion(), platforms });
}

function mediasoupVersion() {
  return JSON.parse(readFileSync(join(root, 'node_modules', 'mediasoup', 'package.json'), 'utf8')).version;
}

/** Why a worker does not start; undefined if it does. */
function problemOf(path) {
  // Without the variable that marks a start by its library.
  const { MEDIASOUP_VERSION: _, ...env } = process.env;
  const { status, signal, error, stderr } = spawnSync(path, [], { env, encoding: 'utf8', timeout: 10_000 });
  if (status === STARTED_BY_HAND) return undefined;
  if (error) return error.code === 'ENOENT' ? 'there is no such file' : `it cannot be run (${error.code})`;
  const how = signal ? `ended by ${signal}` : `exit code ${status}`;
  return `it does not behave like a mediasoup worker (${[how, stderr.trim().split('\n')[0]].filter(Boolean).join(': ')})`;
}

/** Puts a worker into the cache, where it appears completely or not at all. */
function keep(from, to) {
  const draft = `${to}.${process.pid}`;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, draft);
  chmodSync(draft, 0o755);
  renameSync(draft, to);
  return to;
}

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { versions } from './debian.mjs';
import { Failure } from './failure.mjs';
import { withLock } from './lock.mjs';
import { cacheDir, digest, root } from './places.mjs';
import { buildWorker, LIBRARIES, recipe } from './worker-build.mjs';
import { fetchPrebuilt } from './worker-prebuilt.mjs';

/** The exit code of a worker that was not started by its library: it runs, and it is what it should be. */
const STARTED_BY_HAND = 41;

/**
 * The mediasoup worker that MEDIASOUP_WORKER_BIN names, if it names one. It has to start.
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
    `MEDIASOUP_WORKER_BIN names ${path}, but ${problem}.`,
    'let it name a mediasoup worker that starts on this machine, or have one provided: unset MEDIASOUP_WORKER_BIN',
  );
}

/**
 * A mediasoup worker from the first of these that has one: the cache, the official downloads, a build from the sources.
 *
 * @param {object} context
 * @param {NodeJS.WritableStream} context.log
 * @param {string} context.node the Node to run mediasoup's own scripts on
 * @returns {Promise<string>} its path
 */
export async function provideWorker({ log, node }) {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', 'mediasoup', 'package.json'), 'utf8'));
  const name = `${version}-${process.platform}-${process.arch}`;
  const place = (variant) => join(cacheDir(), 'worker', `${name}-${variant}`, 'mediasoup-worker');
  const prebuilt = place('prebuilt');
  const built = () => {
    const libraries = versions(LIBRARIES);
    return libraries.every(Boolean) ? place(digest(...libraries, ...recipe())) : undefined;
  };
  const cached = () => [prebuilt, built()].find((path) => path && !problemOf(path));

  return (
    cached() ??
    withLock(`worker-${name}`, log, async ({ abandoned }) => {
      // Somebody else may have made it while this process waited.
      const ready = cached();
      if (ready) return ready;
      if (await fetchPrebuilt({ log, node, keep: (path) => keep(path, prebuilt) })) return prebuilt;
      return buildWorker({ log, node, abandoned, name, cached, keep: (path) => keep(path, built()) });
    })
  );
}

/** What keeps a worker from starting, if anything does. */
function problemOf(path) {
  // Without the variable by which its library makes itself known.
  const { MEDIASOUP_VERSION: _, ...env } = process.env;
  const { status, signal, error, stderr } = spawnSync(path, [], { env, encoding: 'utf8', timeout: 10_000 });
  if (status === STARTED_BY_HAND) return undefined;
  if (error) return error.code === 'ENOENT' ? 'there is no such file' : `it cannot be run (${error.code})`;
  const how = signal ? `ended by ${signal}` : `exit code ${status}`;
  return `it does not behave like a mediasoup worker (${[how, stderr.trim().split('\n')[0]].filter(Boolean).join(': ')})`;
}

/** Puts a worker into the cache, where it appears whole or not at all. */
function keep(from, to) {
  const draft = `${to}.${process.pid}`;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, draft);
  chmodSync(draft, 0o755);
  renameSync(draft, to);
  return to;
}

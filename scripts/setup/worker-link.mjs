import { lstatSync, mkdirSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { root } from './places.mjs';
import { say } from './step.mjs';

/** mediasoup's default path of its worker, unless MEDIASOUP_WORKER_BIN is set. */
const EXPECTED = join('mediasoup', 'worker', 'out', 'Release', 'mediasoup-worker');

/**
 * Links the worker to mediasoup's default path, so that a media node started by hand finds it, too.
 *
 * @param {string} worker its path
 * @param {NodeJS.WritableStream} log
 * @param {string} [modules]
 */
export function linkWorker(worker, log, modules = join(root, 'node_modules')) {
  const link = join(modules, EXPECTED);
  const draft = `${link}.${process.pid}`;
  try {
    if (targetOf(link) === worker) return;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(worker, draft);
    renameSync(draft, link);
  } catch (error) {
    // Programs of this run get the worker's path directly.
    say(
      log,
      `cannot link ${link} (${error.code}); for a media node started by hand: export MEDIASOUP_WORKER_BIN=${worker}`,
    );
  }
}

function targetOf(link) {
  return lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(link) : undefined;
}

import { lstatSync, mkdirSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { root } from './places.mjs';
import { say } from './step.mjs';

/** Where mediasoup looks for its worker, unless MEDIASOUP_WORKER_BIN names another. */
const EXPECTED = join('mediasoup', 'worker', 'out', 'Release', 'mediasoup-worker');

/**
 * Puts a link to the worker where mediasoup looks for it, so that a media node that is started by hand finds it, too.
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
    // What this run starts is told where the worker is.
    say(log, `${link} cannot be made (${error.code}); for a media node by hand: export MEDIASOUP_WORKER_BIN=${worker}`);
  }
}

function targetOf(link) {
  return lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(link) : undefined;
}

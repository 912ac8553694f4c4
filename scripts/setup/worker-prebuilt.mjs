import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { run } from './command.mjs';
import { root } from './places.mjs';
import { inStep } from './step.mjs';

const home = join(root, 'node_modules', 'mediasoup');
const product = join(home, 'worker', 'out', 'Release', 'mediasoup-worker');
const POLL = 250;
/** How long nothing at all may arrive. */
const STALL = 10_000;

/**
 * Tries to get the official worker binary for this platform.
 *
 * @param {object} context
 * @param {NodeJS.WritableStream} context.log
 * @param {string} context.node
 * @param {(path: string) => void} context.keep what to do with it
 * @returns {Promise<boolean>} whether there was one to be had
 */
export async function fetchPrebuilt({ log, node, keep }) {
  if (process.env.MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD) return false;

  return inStep(log, 'fetching the media worker', async (step) => {
    const stalled = new AbortController();
    let size = 0;
    let since = performance.now();
    const timer = setInterval(() => {
      const now = statSync(product, { throwIfNoEntry: false })?.size ?? 0;
      if (now !== size) {
        size = now;
        since = performance.now();
        step.at(`${(size / 1e6).toFixed(1)} MB`);
      } else if (performance.now() - since > STALL) {
        stalled.abort(new Error('nothing arrives'));
      }
    }, POLL);

    let fetched = false;
    try {
      const outcome = await run(node, ['npm-scripts.mjs', 'postinstall'], {
        cwd: home,
        // Where there is nothing to download the package would go on to build the worker with Python tools that it
        // downloads. A Python that does nothing ends that at its first step.
        env: { ...process.env, PYTHON: 'false' },
        signal: stalled.signal,
      });
      fetched = outcome.ok;
      if (fetched) keep(product);
    } finally {
      clearInterval(timer);
      // What is there now may be half a file.
      if (!fetched) rmSync(join(home, 'worker', 'out'), { recursive: true, force: true });
    }
    step.done(fetched ? 'media worker fetched' : 'no prebuilt media worker to be had here');
    return fetched;
  });
}

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { run } from './command.mjs';
import { download } from './download.mjs';
import { Failure } from './failure.mjs';
import { inStep, say } from './step.mjs';
import { archiveUrl, sha256, workerPlatform, writePin } from './worker-pins.mjs';

const PROGRAM = 'mediasoup-worker';
/** Maximum in bytes. The archives have about 4 MB. */
const MOST = 64 * 1024 * 1024;

/**
 * Tries to download the official worker for this platform. The package's own script would run its download before
 * anyone could check it, so this code downloads it instead.
 *
 * @param {object} context
 * @param {NodeJS.WritableStream} context.log
 * @param {string} context.version
 * @param {string | undefined} context.pin the SHA-256 of the archive; without it, nothing is downloaded
 * @param {(path: string) => string | undefined} context.problemOf says why a worker does not start
 * @param {(path: string) => void} context.keep keeps the worker
 * @returns {Promise<boolean>} whether a worker was available
 */
export async function fetchPrebuilt({ log, version, pin, problemOf, keep }) {
  if (process.env.MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD) return false;
  const platform = workerPlatform();
  if (pin === undefined) {
    say(log, `no hash is pinned for the prebuilt media worker ${version} on ${platform}, so it is not used`);
    return false;
  }
  return inStep(log, 'fetching the media worker', async (step) => {
    const fetched = await usePrebuilt({ url: archiveUrl(version, platform), pin, step, problemOf, keep });
    step.done(fetched ? 'media worker fetched and verified by its pinned hash' : 'no prebuilt media worker available');
    return fetched;
  });
}

/**
 * Pins the archives that mediasoup offers now, without running any of them.
 *
 * @param {object} context
 * @param {NodeJS.WritableStream} context.log
 * @param {string} context.version
 * @param {string[]} context.platforms default: this one
 * @param {string} [context.file] the file with the pins
 * @returns {Promise<string[]>} the pins, one line each
 */
export async function pinWorkers({ log, version, platforms, file }) {
  const lines = [];
  for (const platform of platforms.length > 0 ? platforms : [workerPlatform()]) {
    const url = archiveUrl(version, platform);
    const archive = await inStep(log, `fetching the media worker for ${platform}`, (step) => fetchArchive(url, step));
    if (!archive) {
      throw new Failure(
        'WorkerNotOffered',
        `No media worker is available at ${url}.`,
        `check the connection and the platform; platforms look like ${workerPlatform()}`,
      );
    }
    const hash = sha256(archive);
    writePin(version, platform, hash, file);
    lines.push(`${hash}  ${url}`);
  }
  return lines;
}

async function usePrebuilt({ url, pin, step, problemOf, keep }) {
  const archive = await fetchArchive(url, step);
  if (!archive) return false;
  const hash = sha256(archive);
  if (hash !== pin) {
    throw new Failure(
      'WorkerPinMismatch',
      `${url} does not match its pinned hash, and none of it was run.\n  pinned   ${pin}\n  fetched  ${hash}`,
      'try again, and report it if it persists; meanwhile, build the worker from its sources: export MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD=1',
    );
  }
  const dir = mkdtempSync(join(tmpdir(), 'rejoin-worker-'));
  try {
    const file = join(dir, 'worker.tgz');
    writeFileSync(file, archive);
    const { ok } = await run('tar', ['-xzf', file, '-C', dir, PROGRAM]);
    if (!ok) return false;
    const program = join(dir, PROGRAM);
    chmodSync(program, 0o755);
    // It may need other libraries than those of this machine.
    if (problemOf(program)) return false;
    keep(program);
    return true;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function fetchArchive(url, step) {
  return download(url, { most: MOST, at: (size) => step.at(`${(size / 1e6).toFixed(1)} MB`) });
}

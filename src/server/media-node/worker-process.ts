import { once } from 'node:events';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { createWorker, workerBin as defaultWorkerBin, type types } from 'mediasoup';
import { MediaNodeError } from './media-node-error.ts';

/** How long a worker may take to end by itself, ms. */
const CLOSE_MS = 1_000;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

async function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The program that starts another in a session of its own, under the same pid. Linux has it, macOS does not. */
export async function findSetsid(): Promise<string | undefined> {
  const { PATH = '' } = process.env;
  for (const directory of PATH.split(delimiter)) {
    if (directory && (await executable(join(directory, 'setsid')))) return join(directory, 'setsid');
  }
  return undefined;
}

/**
 * Starts a worker that a signal to this process, or to its process group, does not end: whether media ends at a signal
 * is decided by those who drain. The worker still ends with this process, however that dies, as it ends when its
 * channel closes.
 *
 * @param setsid from `findSetsid`; without it a Ctrl-C in the terminal reaches the worker
 * @throws {MediaNodeError} WORKER_NOT_STARTED
 */
export async function startWorkerProcess(
  workerBin: string = defaultWorkerBin,
  setsid?: string | undefined,
): Promise<types.Worker> {
  if (!(await executable(workerBin))) {
    throw new MediaNodeError('WORKER_NOT_STARTED', `There is no program ${workerBin}.`);
  }
  const before = SIGNALS.map((signal) => new Set(process.listeners(signal)));
  // mediasoup spawns within the call, so the environment is changed for its synchronous part only.
  const restore = setsid ? startThrough(setsid) : () => {};
  let starting: Promise<types.Worker>;
  try {
    starting = createWorker({ workerBin, logLevel: 'error' });
  } finally {
    restore();
  }
  for (const [index, signal] of SIGNALS.entries()) {
    for (const listener of process.listeners(signal)) {
      if (!before[index]?.has(listener)) process.removeListener(signal, listener);
    }
  }
  try {
    return await starting;
  } catch (error) {
    throw new MediaNodeError('WORKER_NOT_STARTED', `${workerBin} did not start: ${String(error)}.`, error);
  }
}

/** Ends a worker, at the latest after `patienceMs`. Resolves when its process is gone. */
export async function endWorkerProcess(worker: types.Worker, patienceMs: number = CLOSE_MS): Promise<void> {
  if (worker.subprocessClosed) return;
  const gone = once(worker, 'subprocessclose');
  worker.close();
  const deadline = setTimeout(() => {
    try {
      process.kill(worker.pid, 'SIGKILL');
    } catch {
      // It has ended in this moment.
    }
  }, patienceMs);
  await gone;
  clearTimeout(deadline);
}

/** mediasoup can start its worker through another program: meant for Valgrind, it serves any that execs its arguments. */
function startThrough(program: string): () => void {
  const { env } = process;
  const settings = { MEDIASOUP_USE_VALGRIND: 'true', MEDIASOUP_VALGRIND_BIN: program };
  const restores = Object.entries(settings).map(([name, value]) => {
    const before = env[name];
    env[name] = value;
    return (): void => {
      if (before === undefined) delete env[name];
      else env[name] = before;
    };
  });
  return () => {
    for (const restore of restores) restore();
  };
}

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

/** Path of the program that starts another in its own session under the same pid. Linux has it, macOS does not. */
export async function findSetsid(): Promise<string | undefined> {
  const { PATH = '' } = process.env;
  for (const directory of PATH.split(delimiter)) {
    if (directory && (await executable(join(directory, 'setsid')))) return join(directory, 'setsid');
  }
  return undefined;
}

/**
 * Starts a worker that signals to this process or its process group don't end, because the media must survive until this process has
 * drained. However this process dies, the worker ends with it, because its channel closes.
 *
 * @param setsid from `findSetsid`; without it a Ctrl-C in the terminal reaches the worker
 * @throws {MediaNodeError} WORKER_NOT_STARTED
 */
export async function startWorkerProcess(
  workerBin: string = defaultWorkerBin,
  setsid?: string | undefined,
): Promise<types.Worker> {
  if (!(await executable(workerBin))) {
    throw new MediaNodeError('WORKER_NOT_STARTED', `There is no executable ${workerBin}.`);
  }
  const before = SIGNALS.map((signal) => new Set(process.listeners(signal)));
  // mediasoup spawns the process synchronously, so the environment is changed only during this call.
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

/** Ends a worker, by force after `patienceMs`. Resolves when its process has ended. */
export async function endWorkerProcess(worker: types.Worker, patienceMs: number = CLOSE_MS): Promise<void> {
  if (worker.subprocessClosed) return;
  const gone = once(worker, 'subprocessclose');
  worker.close();
  const deadline = setTimeout(() => {
    try {
      process.kill(worker.pid, 'SIGKILL');
    } catch {
      // The process has just ended.
    }
  }, patienceMs);
  await gone;
  clearTimeout(deadline);
}

/** Uses mediasoup's option for Valgrind to start the worker through `program`. It works with any program that execs its arguments. */
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

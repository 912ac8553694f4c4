import process from 'node:process';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

let controller = new AbortController();

/** Thrown by whatever was waiting when a signal asked this process to stop. */
export class Interruption extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`interrupted by ${signal}`);
    this.name = 'Interruption';
    this.signal = signal;
  }
}

/** The abort signal of the stretch of work that runs now; its reason is an {@link Interruption}. */
export function interruption() {
  return controller.signal;
}

/**
 * Runs `work` such that a signal stops it in an orderly way: the commands it started are ended and its locks given back
 * before the promise rejects with an {@link Interruption}.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function interruptible(work) {
  controller = new AbortController();
  // Only the first one counts: a Ctrl-C may come twice, once from the terminal and once passed on by npm.
  const abort = (signal) => controller.abort(new Interruption(signal));
  for (const signal of SIGNALS) process.on(signal, abort);
  try {
    const result = await work();
    controller.signal.throwIfAborted();
    return result;
  } finally {
    for (const signal of SIGNALS) process.off(signal, abort);
  }
}

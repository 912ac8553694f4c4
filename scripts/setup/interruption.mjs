import process from 'node:process';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

let controller = new AbortController();

/** Thrown by pending work after a signal asked this process to stop. */
export class Interruption extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`interrupted by ${signal}`);
    this.name = 'Interruption';
    this.signal = signal;
  }
}

/** The abort signal of the current work; its reason is an {@link Interruption}. */
export function interruption() {
  return controller.signal;
}

/**
 * Runs `work` so that a signal stops it in an orderly way: its commands end and its locks are released before the
 * promise rejects with an {@link Interruption}.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function interruptible(work) {
  controller = new AbortController();
  // Only the first signal counts, because a Ctrl-C may arrive twice: from the terminal, and from npm.
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

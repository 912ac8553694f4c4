import { flushCompileCache } from 'node:module';
import type { RequestDrain } from '../shared/drain-route.ts';
import type { Identity } from '../shared/identity.ts';
import { onEndSignals, onEndWithAll, onParentGone } from './end-signals.ts';

export interface Running {
  readonly identity: Identity;
  /** Where it is reached from outside of the cluster. */
  readonly clientUrl: string;
  /** Hands over what it has to others, for at most so long. */
  drain?(deadlineMs: number): Promise<void>;
  close(): Promise<void>;
}

const DRAIN_SHARE = 0.8;

/**
 * Runs one process of a cluster until it is asked to end. The first signal closes it in an orderly way, for at most
 * `deadlineMs`, and so does the cluster's word to drain; a second signal ends it at once. A parent that started it with an
 * IPC channel is told when it is ready: `{ kind: 'ready', instance, url, internalUrl }`; its end ends the process at once, and its word
 * that all end closes it without handing anything over.
 */
export async function live(
  start: (drainRequested: RequestDrain) => Promise<Running>,
  deadlineMs: number,
): Promise<void> {
  let running: Running | undefined;
  let ending = false;
  const endOnce = (withinMs: number, how: 'drain' | 'close' = 'drain'): void => {
    if (!running) process.exit(0);
    if (ending) return;
    ending = true;
    void end(running, withinMs, how);
  };
  onEndSignals(
    () => endOnce(deadlineMs),
    () => process.exit(1),
  );
  onEndWithAll(() => endOnce(deadlineMs, 'close'));
  onParentGone(() => process.exit(0));
  running = await start((withinMs) => endOnce(withinMs ?? deadlineMs));
  const { instance, url: internalUrl } = running.identity;
  process.send?.({ kind: 'ready', instance, url: running.clientUrl, internalUrl });
  // By itself the cache is written at an orderly end, which a node need not have.
  setImmediate(flushCompileCache);
}

async function end(running: Running, deadlineMs: number, how: 'drain' | 'close'): Promise<void> {
  setTimeout(() => {
    process.stderr.write(`DrainDeadline: not everything had ended after ${deadlineMs} ms; ending all the same.\n`);
    process.exit(0);
  }, deadlineMs);
  try {
    // What is left of the time is for closing.
    if (how === 'drain') await running.drain?.(deadlineMs * DRAIN_SHARE);
    await running.close();
  } catch (error) {
    process.stderr.write(`CloseFailed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  }
  process.exit(0);
}

import { flushCompileCache } from 'node:module';
import type { RequestDrain } from '../shared/drain-route.ts';
import type { Identity } from '../shared/identity.ts';
import { onEndSignals, onEndWithAll, onParentGone } from './end-signals.ts';

export interface Running {
  readonly identity: Identity;
  /** URL at which clients reach it. */
  readonly clientUrl: string;
  /** Hands its sessions over to other nodes, within `deadlineMs`. */
  drain?(deadlineMs: number): Promise<void>;
  close(): Promise<void>;
}

const DRAIN_SHARE = 0.8;

/**
 * Runs a process of a cluster until it has to end.
 *
 * - The first signal, or a drain requested by the cluster, closes it in an orderly way within `deadlineMs`. A second signal ends it at once.
 * - A parent with an IPC channel is told when the process is ready: `{ kind: 'ready', instance, url, internalUrl }`.
 * - The parent's end ends it at once. The parent's `{ kind: 'end' }` closes it without a handover.
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
  // Node itself writes the cache only at an orderly end, which a node may never have.
  setImmediate(flushCompileCache);
}

async function end(running: Running, deadlineMs: number, how: 'drain' | 'close'): Promise<void> {
  setTimeout(() => {
    process.stderr.write(`DrainDeadline: The process was not closed within ${deadlineMs} ms and ends now.\n`);
    process.exit(0);
  }, deadlineMs);
  try {
    // The rest of the time is for closing.
    if (how === 'drain') await running.drain?.(deadlineMs * DRAIN_SHARE);
    await running.close();
  } catch (error) {
    process.stderr.write(`CloseFailed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  }
  process.exit(0);
}

import { onEndSignals, onParentGone } from '../cli/end-signals.ts';
import { Cluster } from './cluster.ts';
import type { ClusterOptions } from './cluster-plan.ts';
import { JsonPrinter, TextPrinter } from './printer.ts';

export interface DevOptions extends ClusterOptions {
  /** Print JSON lines instead of text. */
  readonly json: boolean;
}

/**
 * Runs a cluster in the foreground until it is asked to end: the first signal ends it in an orderly way, a second at
 * once. Prints a line for each node that becomes ready or ends, and one when all can be used.
 * @throws {ClusterError} when it cannot start
 */
export async function runDev({ json, ...options }: DevOptions): Promise<void> {
  const stop = new AbortController();
  let cluster: Cluster | undefined;
  const end = (): void => {
    stop.abort();
    void cluster?.close().then(() => process.exit(0));
  };
  onEndSignals(end, () => {
    cluster?.killAll();
    process.exit(1);
  });
  onParentGone(end);
  // A reader of these lines that goes away does not end the cluster.
  process.stdout.on('error', () => {});

  cluster = await Cluster.prepare(options);
  const printer = json ? new JsonPrinter() : new TextPrinter();
  cluster.on('up', (node) => printer.up(node));
  cluster.on('exited', ({ id }, exit) => printer.exited(id, exit));
  try {
    await cluster.start(stop.signal);
  } catch (error) {
    // Asked to end while it started, which is no failure.
    if (stop.signal.aborted) process.exit(0);
    throw error;
  }
  printer.ready(cluster);
}

import { onEndSignals, onParentGone } from '../cli/end-signals.ts';
import { Cluster } from './cluster.ts';
import type { ClusterOptions } from './cluster-plan.ts';
import { JsonPrinter, TextPrinter } from './printer.ts';

export interface DevOptions extends ClusterOptions {
  /** Print JSON lines instead of text. */
  readonly json: boolean;
}

/**
 * Runs a cluster in the foreground until a signal: the first ends it in an orderly way, a second kills it. Prints a line for each node that
 * becomes ready or ends, and one when the whole cluster is ready.
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
  // The cluster goes on when the reader of its output goes away.
  process.stdout.on('error', () => {});

  cluster = await Cluster.prepare(options);
  const printer = json ? new JsonPrinter() : new TextPrinter();
  cluster.on('up', (node) => printer.up(node));
  cluster.on('exited', ({ id }, exit) => printer.exited(id, exit));
  try {
    await cluster.start(stop.signal);
  } catch (error) {
    // The start was aborted by a signal, which is no failure.
    if (stop.signal.aborted) process.exit(0);
    throw error;
  }
  printer.ready(cluster);
}

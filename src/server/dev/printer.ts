import { relative } from 'node:path';
import type { ChildExit } from './child.ts';
import type { Cluster, ClusterNode } from './cluster.ts';

/** Tells whoever started the cluster what happens to it, line by line. */
export interface Printer {
  up(node: ClusterNode): void;
  exited(id: string, exit: ChildExit): void;
  /** All can be used. */
  ready(cluster: Cluster): void;
}

const ROLE_WIDTH = 'media-node'.length;
const ID_WIDTH = 'balancer-1'.length;
const PID_WIDTH = 7;

/** For people. */
export class TextPrinter implements Printer {
  up({ role, id, pid, url }: ClusterNode): void {
    const columns = [role.padEnd(ROLE_WIDTH), id.padEnd(ID_WIDTH), `pid ${String(pid).padEnd(PID_WIDTH)}`, url];
    console.log(`  ${columns.join('  ')}`);
  }

  exited(id: string, { pid, code, signal, restartMs }: ChildExit): void {
    const how = signal ? `was ended by ${signal}` : `ended with code ${code}`;
    const next =
      restartMs === undefined ? '' : `; starting again ${restartMs === 0 ? 'at once' : `in ${restartMs} ms`}`;
    console.log(`  ${id} (pid ${pid}) ${how}${next}`);
  }

  ready({ url, stateDir }: Cluster): void {
    const shown = relative(process.cwd(), stateDir) || '.';
    console.log(
      `\nReady: ${url}\n\nLogs, store and cluster.json, which has the secret, are in ${shown}. Ctrl-C ends everything.\n`,
    );
  }
}

/** For programs: one JSON object a line, with its kind in `event`. */
export class JsonPrinter implements Printer {
  up(node: ClusterNode): void {
    console.log(JSON.stringify({ event: 'up', ...node }));
  }

  exited(id: string, exit: ChildExit): void {
    console.log(JSON.stringify({ event: 'exited', id, ...exit }));
  }

  ready(cluster: Cluster): void {
    const { url, stateDir } = cluster;
    console.log(JSON.stringify({ event: 'ready', url, stateDir, nodes: cluster.nodes() }));
  }
}

import { relative } from 'node:path';
import { renderUnicodeCompact } from 'uqr';
import { ownAddresses } from '../shared/own-addresses.ts';
import type { ChildExit } from './child.ts';
import type { Cluster, ClusterNode } from './cluster.ts';
import type { LanUrls } from './cluster-file.ts';

/** Reports the events of a cluster to the user or program that started it. */
export interface Printer {
  up(node: ClusterNode): void;
  exited(id: string, exit: ChildExit): void;
  /** The whole cluster is ready. */
  ready(cluster: Cluster): void;
}

const ROLE_WIDTH = 'media-node'.length;
const ID_WIDTH = 'balancer-1'.length;
const PID_WIDTH = 7;
const NO_FIREFOX =
  'This machine has only a loopback address, over which Firefox sends no media. Use another browser here.';

/** Prints text for people. */
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

  ready({ url, lan, stateDir }: Cluster): void {
    const shown = relative(process.cwd(), stateDir) || '.';
    console.log(`\nReady: ${url}`);
    if (lan) console.log(phoneText(lan));
    if (ownAddresses().length === 0) console.log(`\n${NO_FIREFOX}`);
    console.log(`\nLogs, store and cluster.json, which has the secret, are in ${shown}. Ctrl-C ends everything.\n`);
  }
}

/** Prints JSON for programs: an object per line, with its kind in `event`. */
export class JsonPrinter implements Printer {
  up(node: ClusterNode): void {
    console.log(JSON.stringify({ event: 'up', ...node }));
  }

  exited(id: string, exit: ChildExit): void {
    console.log(JSON.stringify({ event: 'exited', id, ...exit }));
  }

  ready(cluster: Cluster): void {
    const { url, lan, stateDir } = cluster;
    console.log(JSON.stringify({ event: 'ready', url, lan, stateDir, nodes: cluster.nodes() }));
  }
}

/** Explains how to open the demo on a phone. */
function phoneText({ guides, pages, fingerprint }: LanUrls): string {
  const [guide = '', ...more] = guides;
  const others = more.length > 0 ? `, or, in other networks of this machine, ${more.join(' or ')}` : '';
  return `
On a phone in the same network: scan this, or open ${guide}${others}.

${renderUnicodeCompact(guide, { border: 2 })}

It leads to ${pages[0] ?? ''}. This machine has created the certificate itself, so the browser warns once:
  Chrome and Edge   Advanced, then Proceed
  Safari on iOS     Show Details, then visit this website
  Firefox           Advanced, then Accept the Risk and Continue
SHA-256 of the certificate: ${fingerprint}
Everyone in this network can open the page and join rooms. Only this computer can kill nodes.`;
}

import { Namespace } from '../fixtures/hosts/namespace.ts';
import { runTool } from '../fixtures/hosts/tools.ts';

const PERCENT = 25;
const TABLE = 'table inet loss';
/** The namespace runs only this run's processes, so all ports are free. */
const FIRST_MEDIA_PORT = 40_000;
const PORTS_EACH = 8;
/** Browsers gather no media addresses on the loopback interface. */
const NETWORK = [
  'link set lo up',
  'link add eth0 type veth peer name eth1',
  'addr add 10.88.0.1/24 dev eth0',
  'link set eth0 up',
  'link set eth1 up',
  '',
].join('\n');

/** Makes a network namespace for this run, so that packet loss affects nothing else. @throws {NamespacesMissing} */
export async function makeOwnNetwork(): Promise<Namespace> {
  const namespace = await Namespace.make();
  try {
    await namespace.run(['ip', '-batch', '-'], NETWORK);
    return namespace;
  } catch (error) {
    await namespace.end();
    throw error;
  }
}

/** Makes the kernel drop packets in this process's network namespace, for real TCP and real media. */
export class PacketLoss {
  readonly #rules = new Map<string, number>();
  #nodes: readonly string[] = [];
  #applied: Promise<void> = Promise.resolve();

  /** The port range for the start of a cluster: each media node gets an equal part, in this order. */
  mediaPorts(nodes: readonly string[]): { readonly min: number; readonly max: number } {
    this.#nodes = nodes;
    return { min: FIRST_MEDIA_PORT, max: FIRST_MEDIA_PORT + nodes.length * PORTS_EACH - 1 };
  }

  /** Drops packets to and from this address; 0 heals. */
  ofLink(address: string | undefined, percent = PERCENT): Promise<void> {
    if (address === undefined) throw new Error('The link has no separate address.');
    return this.#set([`ip saddr ${address}`, `ip daddr ${address}`], percent);
  }

  /** Drops media packets to and from a node. */
  ofMedia(node: string, percent = PERCENT): Promise<void> {
    const min = FIRST_MEDIA_PORT + this.#nodes.indexOf(node) * PORTS_EACH;
    const range = `${min}-${min + PORTS_EACH - 1}`;
    return this.#set([`udp sport ${range}`, `udp dport ${range}`], percent);
  }

  #set(matches: readonly string[], percent: number): Promise<void> {
    for (const match of matches) {
      if (percent === 0) this.#rules.delete(match);
      else this.#rules.set(match, percent);
    }
    const lines = [...this.#rules].map(([match, share]) => `    ${match} numgen random mod 100 < ${share} drop`);
    const chain = ['  chain input {', '    type filter hook input priority 0; policy accept;', ...lines, '  }'];
    const text = [`add ${TABLE}`, `delete ${TABLE}`, `${TABLE} {`, ...chain, '}', ''].join('\n');
    // Each call replaces all rules, so they must run in order.
    this.#applied = this.#applied.then(() => runTool(['nft', '-f', '-'], text));
    return this.#applied;
  }
}

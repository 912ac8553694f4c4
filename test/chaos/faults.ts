import { setTimeout as delay } from 'node:timers/promises';
import type { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import type { FaultNet } from '../fixtures/faults/fault-net.ts';
import { workersOf } from '../fixtures/media-node/processes.ts';
import type { PacketLoss } from './packet-loss.ts';
import { describe, type Fault, type Parts, type Step, victims } from './schedule.ts';

/** A slow network: rate and delay. */
const SLOW = { ms: 300, jitterMs: 100, loss: 0.05, bytesPerSecond: 64 * 1024 };
/** A draining media node waits up to 8 s for its sessions, and frequent restarts are delayed. */
const RESTART_MS = 30_000;
const LOOK_MS = 50;

/** Causes faults in a cluster, and undoes the reversible ones. */
export class Faults {
  readonly #running: RunningCluster;
  readonly #parts: Parts;
  readonly #net: FaultNet;
  readonly #loss: PacketLoss | undefined;
  readonly #say: (line: string) => void;
  readonly #harmed = new Set<string>();
  readonly #links = new Set<string>();
  readonly #stopped = new Set<number>();
  readonly #going = new Set<Promise<void>>();
  readonly #over = new AbortController();
  /** Counts by kind and role: `kill master`. */
  readonly counts: Record<string, number> = {};

  constructor(
    running: RunningCluster,
    parts: Parts,
    { net, loss }: { readonly net: FaultNet; readonly loss: PacketLoss | undefined },
    say: (line: string) => void,
  ) {
    this.#running = running;
    this.#parts = parts;
    this.#net = net;
    this.#loss = loss;
    this.#say = say;
    process.on('exit', this.#wake);
  }

  /** Waits until the targets of the step, and enough other nodes, are whole; then causes its faults. */
  async strike({ faults }: Step, until: AbortSignal): Promise<void> {
    while (!until.aborted && !this.#mayBegin(faults)) await delay(LOOK_MS);
    if (until.aborted) return;
    for (const fault of faults) {
      this.#say(describe(fault));
      const kind = `${fault.kind} ${roleOf(fault)}`;
      this.counts[kind] = (this.counts[kind] ?? 0) + 1;
      const going = this.#happen(fault).finally(() => this.#going.delete(going));
      this.#going.add(going);
    }
  }

  /** Undoes reversible faults, and waits until every process runs again. */
  async heal(): Promise<void> {
    this.#over.abort();
    this.#net.heal();
    this.#wake();
    await Promise.all(this.#going);
    process.off('exit', this.#wake);
  }

  #mayBegin(faults: readonly Fault[]): boolean {
    const hit = faults.flatMap(victims);
    const up = this.#running.cluster.nodes().map(({ id }) => id);
    if (!hit.every((node) => up.includes(node) && !this.#harmed.has(node))) return false;
    if (faults.some((fault) => isOnLink(fault) && this.#links.has(linkOf(fault)))) return false;
    // Recovery must be possible: one node of each kind keeps running, or all nodes of the other kind do.
    const whole = (nodes: readonly string[]): number =>
      nodes.filter((node) => up.includes(node) && !this.#harmed.has(node) && !hit.includes(node)).length;
    const { masters, mediaNodes } = this.#parts;
    if (faults.some(({ kind }) => kind === 'killMasters')) return whole(mediaNodes) === mediaNodes.length;
    return whole(masters) > 0 && whole(mediaNodes) > 0;
  }

  async #happen(fault: Fault): Promise<void> {
    const hit = victims(fault);
    for (const node of hit) this.#harmed.add(node);
    try {
      await this.#do(fault);
    } finally {
      for (const node of hit) this.#harmed.delete(node);
    }
  }

  async #do(fault: Fault): Promise<void> {
    const { cluster } = this.#running;
    switch (fault.kind) {
      case 'kill':
        return this.#restarted(fault.node, cluster.kill(fault.node));
      case 'drain':
        return this.#restarted(fault.node, cluster.kill(fault.node, 'SIGTERM'));
      case 'killMasters':
        await Promise.all(fault.nodes.map((node) => this.#restarted(node, cluster.kill(node))));
        return;
      case 'freeze':
        return this.#stop(this.#running.node(fault.node).pid, fault.forMs);
      case 'killWorker':
        for (const worker of workersOf(this.#running.node(fault.node).pid)) process.kill(worker, 'SIGKILL');
        return;
      case 'freezeWorker':
        await Promise.all(workersOf(this.#running.node(fault.node).pid).map((pid) => this.#stop(pid, fault.forMs)));
        return;
      case 'cut':
        return this.#onLink(fault, () => this.#net.cut(fault.from, fault.to));
      case 'stall':
        return this.#onLink(fault, () => this.#net.stall(fault.from, fault.to, fault.way));
      case 'drop':
        return this.#net.dropAfter(fault.from, fault.to, fault.frames);
      case 'slow':
        return this.#onLink(fault, () => this.#net.delay(fault.from, fault.to, SLOW));
      case 'lossy':
        return this.#onLink(fault, () => this.#loss?.ofLink(this.#net.addressOf(fault.from, fault.to)));
      case 'lossyMedia':
        return this.#onLink(fault, () => this.#loss?.ofMedia(fault.node));
    }
  }

  async #stop(pid: number, forMs: number): Promise<void> {
    process.kill(pid, 'SIGSTOP');
    this.#stopped.add(pid);
    await this.#pause(forMs);
    this.#stopped.delete(pid);
    awaken(pid);
  }

  async #onLink(fault: LinkFault & { readonly forMs: number }, begin: () => unknown): Promise<void> {
    const link = linkOf(fault);
    this.#links.add(link);
    await begin();
    await this.#pause(fault.forMs);
    if (fault.kind === 'lossyMedia') await this.#loss?.ofMedia(fault.node, 0);
    else if (fault.kind === 'lossy') await this.#loss?.ofLink(this.#net.addressOf(fault.from, fault.to), 0);
    else this.#net.heal(fault.from, fault.to);
    this.#links.delete(link);
    this.#say(`healed ${link}`);
  }

  async #restarted(node: string, pid: number): Promise<void> {
    const deadline = performance.now() + RESTART_MS;
    const isBack = (): boolean => this.#running.cluster.nodes().some((one) => one.id === node && one.pid !== pid);
    while (!isBack()) {
      if (performance.now() > deadline) throw new Error(`${node} did not restart within ${RESTART_MS} ms.`);
      await delay(LOOK_MS);
    }
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#over.signal }).catch(() => {});
  }

  readonly #wake = (): void => {
    for (const pid of this.#stopped) awaken(pid);
    this.#stopped.clear();
  };
}

/** Wakes a process, unless it has ended meanwhile, e.g. a worker that was taken for hung. */
function awaken(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // The process has ended.
  }
}

type LinkFault = Extract<Fault, { readonly from: string }> | Extract<Fault, { readonly kind: 'lossyMedia' }>;

function isOnLink(fault: Fault): fault is LinkFault {
  return 'from' in fault || fault.kind === 'lossyMedia';
}

function linkOf(fault: LinkFault): string {
  return 'from' in fault ? `${fault.from} → ${fault.to}` : `clients → ${fault.node}, media`;
}

function roleOf(fault: Fault): string {
  if ('from' in fault) return `${role(fault.from)}-${role(fault.to)}`;
  return 'nodes' in fault ? 'all' : role(fault.node);
}

function role(node: string): string {
  return node.replace(/-\d+$/, '');
}

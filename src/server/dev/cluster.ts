import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { request } from 'undici';
import type { NodeRole } from '../shared/identity.ts';
import { DEFAULT_TIMING } from '../shared/timing.ts';
import { SqliteStore } from '../store/sqlite-store.ts';
import { Child, type ChildExit } from './child.ts';
import { childEnvironment } from './child-environment.ts';
import { ClusterError } from './cluster-error.ts';
import { type ClusterNode, type LanUrls, removeClusterFile, writeClusterFile } from './cluster-file.ts';
import { type ClusterOptions, type ClusterPlan, type ClusterTiming, planCluster } from './cluster-plan.ts';
import { ClusterView } from './cluster-view.ts';
import { DemoBackend } from './demo-backend.ts';
import { DemoTokens } from './demo-tokens.ts';
import { Lan } from './lan/lan.ts';
import { LanGuide } from './lan/lan-guide.ts';
import { requireFreePort } from './ports.ts';
import { ownHostsAt, ownHostsOf } from './same-origin.ts';
import { StateDir } from './state-dir.ts';

export type { ClusterNode } from './cluster-file.ts';
export type { ClusterOptions } from './cluster-plan.ts';

export interface ClusterEvents {
  /** A node is ready, for the first time or after a restart. */
  up: [ClusterNode];
  /** A node's process has ended. */
  exited: [node: Pick<ClusterNode, 'id' | 'role'>, exit: ChildExit];
}

/** How long the whole cluster may take to become ready. */
const START_MS = 30_000;
const HEALTH_LOOK_MS = 25;
const LOG_END_LINES = 8;
/** Clients lose their entrance first, and media nodes outlive the masters that command them. */
const STOP_ORDER = ['balancer', 'master', 'media-node'] as const;

/**
 * A whole cluster on this machine. Each node is a separate process, which is restarted whenever it ends; the demo's application server
 * runs in this process. While the cluster runs, `cluster.json` in the state directory describes it.
 */
export class Cluster extends EventEmitter<ClusterEvents> {
  /** The balancer's URL for clients. */
  readonly url: string;
  readonly secret: string;
  readonly lan: LanUrls | undefined;
  /** Absolute path. */
  readonly stateDir: string;
  readonly #state: StateDir;
  readonly #plan: ClusterPlan;
  readonly #children: readonly Child[];
  readonly #store: SqliteStore;
  readonly #view: ClusterView;
  readonly #tokens: DemoTokens;
  readonly #backend: DemoBackend;
  /** Exists only if phones are served. */
  readonly #forPhones: { readonly backend: DemoBackend; readonly guide: LanGuide } | undefined;
  readonly #stopMs: number;
  #closing: Promise<void> | undefined;

  /**
   * Reserves the state directory and the ports. Call `start` or `close` afterwards.
   * @throws {ClusterError} StateDirInUse, OrphansRunning, PortTaken, AddressUnavailable, NoFreePort, NoLanAddress
   */
  static async prepare(options: ClusterOptions = {}): Promise<Cluster> {
    const state = await StateDir.take(options.stateDir ?? '.rejoin');
    try {
      if (options.port) await requireFreePort(options.host ?? '127.0.0.1', options.port);
      const timing = { ...DEFAULT_TIMING, ...options.timing };
      const lan = options.lan && (await Lan.prepare(options.lan, state.path));
      const plan = await planCluster({ ...options, lan, timing, storeFile: state.storeFile });
      return new Cluster(state, plan, timing, options, lan);
    } catch (error) {
      state.release();
      throw error;
    }
  }

  private constructor(
    state: StateDir,
    plan: ClusterPlan,
    timing: ClusterTiming,
    options: ClusterOptions,
    lan: Lan | undefined,
  ) {
    super();
    this.url = plan.publicUrl;
    this.secret = options.secret ?? 'MY_SECRET';
    this.lan = lan && { guides: lan.guides, pages: lan.origins, fingerprint: lan.certificate.fingerprint };
    this.stateDir = state.path;
    this.#state = state;
    this.#plan = plan;
    this.#stopMs = options.stopMs ?? 3_000;
    this.#children = plan.nodes.map((node) => {
      const env = childEnvironment(node, options, this.secret);
      return new Child({ ...node, env, logFile: state.logFile(node.id), restartMs: options.restartMs });
    });
    for (const child of this.#children) this.#follow(child);
    this.#store = new SqliteStore(state.storeFile);
    this.#view = new ClusterView(this.#children, this.#store, this.secret, timing);
    const destination = pino.destination({ dest: state.logFile('dev'), sync: true });
    this.#tokens = new DemoTokens(plan.balancerUrl, this.secret);
    const common = {
      view: this.#view,
      tokens: this.#tokens,
      kill: (id: string, signal: NodeJS.Signals) => this.kill(id, signal),
      log: pino(
        { level: options.logLevel ?? 'info', base: { node: 'dev' }, timestamp: pino.stdTimeFunctions.isoTime },
        destination,
      ),
    };
    const isOwnHost = ownHostsOf(new URL(plan.publicUrl).hostname);
    this.#backend = new DemoBackend({ ...common, isOwnHost, pages: 'own', guides: lan?.guides ?? [] });
    this.#forPhones = lan && {
      backend: new DemoBackend({ ...common, isOwnHost: ownHostsAt(lan.origins), pages: 'guests' }),
      guide: new LanGuide(lan),
    };
  }

  /**
   * Starts the nodes. Resolves when the cluster answers through its balancer.
   * @param signal aborts the start
   * @throws {ClusterError} NodeFailed, NotReady; by then everything has been stopped again
   */
  async start(signal?: AbortSignal): Promise<void> {
    try {
      await this.#backend.listen(this.#plan.demoPort);
      await this.#forPhones?.backend.listen(this.#plan.guestPort);
      await this.#forPhones?.guide.listen();
      await this.#startNodes(signal);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The nodes that are ready now. */
  nodes(): ClusterNode[] {
    return this.#children.flatMap(({ id, role, state, pid, url, internalUrl }) =>
      state === 'up' && pid !== undefined ? [{ id, role, pid, url, internalUrl }] : [],
    );
  }

  /**
   * Sends a signal to a node's process and returns its pid.
   * @throws {ClusterError} NodeUnknown, NodeNotRunning
   */
  kill(id: string, signal: NodeJS.Signals = 'SIGKILL'): number {
    const child = this.#children.find((one) => one.id === id);
    if (!child) {
      const known = this.#children.map((one) => one.id).join(', ');
      throw new ClusterError('NodeUnknown', `There is no node "${id}". There are: ${known}.`);
    }
    const { pid } = child;
    if (pid === undefined || !child.kill(signal)) {
      throw new ClusterError('NodeNotRunning', `The node ${id} is not running at this moment.`);
    }
    return pid;
  }

  /** Ends every process in an orderly way, or by force if it takes too long. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** Kills every process at once. */
  killAll(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    removeClusterFile(this.#state.clusterFile);
  }

  async #startNodes(signal: AbortSignal | undefined): Promise<void> {
    const failure = new AbortController();
    const late = AbortSignal.timeout(START_MS);
    const stop = AbortSignal.any([failure.signal, late, ...(signal ? [signal] : [])]);
    const failed = this.#children.map((child) => {
      const fail = (exit: ChildExit): void => failure.abort(nodeFailed(child, exit));
      child.on('exited', fail);
      return () => child.off('exited', fail);
    });
    try {
      // Masters look for media nodes at their start, so start those first: then even the first request finds them.
      await this.#startThese(['media-node'], stop);
      await this.#startThese(['master', 'balancer'], stop);
      while (!(await isHealthy(this.#plan.balancerUrl, stop))) await delay(HEALTH_LOOK_MS, undefined, { signal: stop });
    } catch (error) {
      if (failure.signal.aborted) throw failure.signal.reason;
      if (!late.aborted) throw error;
      const missing = this.#children.filter(({ state }) => state !== 'up').map(({ id }) => id);
      const what = missing.length > 0 ? `${missing.join(', ')} did not become ready` : 'The balancer found no master';
      throw new ClusterError('NotReady', `${what} within ${START_MS} ms. Read the logs in ${this.#state.logs}.`);
    } finally {
      for (const forget of failed) forget();
    }
  }

  async #startThese(roles: readonly NodeRole[], stop: AbortSignal): Promise<void> {
    const these = this.#children.filter(({ role }) => roles.includes(role));
    const ready = these.map((child) => once(child, 'ready', { signal: stop }));
    for (const child of these) child.start();
    await Promise.all(ready);
  }

  async #end(): Promise<void> {
    for (const role of STOP_ORDER) {
      const these = this.#children.filter((child) => child.role === role);
      await Promise.all(these.map((child) => child.stop(this.#stopMs)));
    }
    await this.#forPhones?.guide.close();
    await this.#forPhones?.backend.close();
    await this.#backend.close();
    await this.#tokens.close();
    await this.#view.close();
    await this.#store.close();
    removeClusterFile(this.#state.clusterFile);
    this.#state.release();
  }

  #follow(child: Child): void {
    const { id, role, url, internalUrl } = child;
    child.on('ready', (pid) => {
      this.#write();
      this.emit('up', { id, role, pid, url, internalUrl });
    });
    child.on('exited', (exit) => {
      this.#write();
      this.emit('exited', { id, role }, exit);
    });
  }

  #write(): void {
    const { url, secret, lan } = this;
    writeClusterFile(this.#state.clusterFile, { url, secret, lan, nodes: this.nodes() });
  }
}

/**
 * Starts a cluster. Resolves when it is ready for use.
 * @throws {ClusterError} when it cannot start; by then everything has been stopped again
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const cluster = await Cluster.prepare(options);
  await cluster.start();
  return cluster;
}

async function isHealthy(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { statusCode, body } = await request(`${url}/health`, { signal });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}

/** Includes the end of the node's log, which usually tells the cause. */
function nodeFailed({ id, logFile }: Child, { code, signal }: ChildExit): ClusterError {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_END_LINES);
  const how = signal ?? `code ${code}`;
  return new ClusterError('NodeFailed', `${id} ended with ${how} before the cluster was ready:\n${lines.join('\n')}`);
}

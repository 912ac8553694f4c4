import { EventEmitter } from 'node:events';
import type { Identity, InstanceId, NodeRole } from '../../shared/identity.ts';
import type { InternalClient } from '../../shared/internal-client.ts';
import type { LiveBeat, LiveNews } from '../../shared/live-feed.ts';
import { type DeadHow, LiveLink } from '../../shared/live-link.ts';
import type { Logger } from '../../shared/logging.ts';
import type { Timing } from '../../shared/timing.ts';
import { askWitnesses } from '../../shared/witness.ts';
import { type NodeLease, type Store, StoreError } from '../../store/store.ts';
import type { ListedNode, LiveNode, LiveTimes } from './live-node.ts';
import { livesOnLargerSide } from './sides.ts';

export type { ListedNode, LiveNode, LiveTimes } from './live-node.ts';

interface KnownNode {
  readonly link: LiveLink;
  /** The last that was found here; its instance may have been followed by another meanwhile. */
  lease: NodeLease;
  role: NodeRole;
  beat: LiveBeat | undefined;
  /** Missed looks at the list of leases; a node that is neither listed nor alive is forgotten. */
  listed: boolean;
  /** Unix time, ms, of its start and of its first word here, while it is heard. */
  times: LiveTimes | undefined;
}

export interface DirectoryEvents {
  up: [InstanceId, NodeRole];
  /** `silent`: it may be back. */
  dead: [InstanceId, NodeRole, DeadHow];
  /** A master that lives and cannot be reached from here. `up` or `dead` follows. */
  unreachable: [InstanceId];
  /** It has fallen silent and a probe is not answered at once: `dead` may follow. */
  doubted: [InstanceId, NodeRole];
  news: [InstanceId, LiveNews];
  beat: [InstanceId, NodeRole, LiveBeat];
  /** It has said that it takes nothing new any more. */
  drains: [InstanceId, NodeRole];
}

/**
 * Who else is in the cluster. The store's leases are only how nodes are found; whether one is alive is told by its
 * liveness stream, so a store that is down kills nobody.
 */
export class Directory extends EventEmitter<DirectoryEvents> {
  readonly #self: Identity;
  readonly #store: Store;
  readonly #client: InternalClient;
  readonly #timing: Timing;
  readonly #log: Logger;
  readonly #load: () => number;
  /** By URL: an address serves one node at a time. */
  readonly #nodes = new Map<string, KnownNode>();
  readonly #buried = new Set<InstanceId>();
  #timer: NodeJS.Timeout | undefined;
  #storeUp = true;
  #isListed = false;
  #round: Promise<void> | undefined;

  constructor(self: Identity, store: Store, client: InternalClient, timing: Timing, log: Logger, load: () => number) {
    super();
    this.#self = self;
    this.#store = store;
    this.#client = client;
    this.#timing = timing;
    this.#log = log;
    this.#load = load;
  }

  /**
   * Renews the own lease and looks for new nodes, from the first call on again and again. Calls during a round share it. Before
   * the first one this process isn't listed.
   */
  refresh(): Promise<void> {
    this.#timer ??= setInterval(() => void this.refresh(), this.#timing.leaseRenewMs);
    this.#round ??= this.#look().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  live(role: NodeRole): LiveNode[] {
    const nodes: LiveNode[] = [];
    for (const { link, role: known, beat } of this.#nodes.values()) {
      const { instance, url, isDoubted } = link;
      if (instance && known === role) nodes.push({ instance, url, beat, isDoubted });
    }
    return nodes;
  }

  /** The nodes of a role that are alive, and those that have a lease and are not heard, as far as is known now. */
  listed(role: NodeRole): ListedNode[] {
    return [...this.#nodes.values()]
      .filter((node) => node.role === role)
      .map(({ link, lease, beat, times }) => {
        const instance = link.instance ?? link.unreachable;
        const { url, isDoubted } = link;
        return { instance: instance ?? lease.instance, url, beat, isDoubted, times: link.instance ? times : undefined };
      });
  }

  /** Somebody listens to us: if it is new here, it is looked up at once, so that all know each other within moments. */
  heardOf(instance: InstanceId): void {
    if (!this.#find(instance)) void this.refresh();
  }

  /** A node that is alive. */
  find(instance: InstanceId): LiveNode | undefined {
    const known = this.#find(instance);
    return known && { instance, url: known.link.url, beat: known.beat, isDoubted: known.link.isDoubted };
  }

  /**
   * The same, also of one that has only just started and is known to others before it is known here; waits for it to be heard of.
   * @throws {StoreError} when it is unknown here and the store cannot be asked
   */
  async locate(instance: InstanceId): Promise<LiveNode | undefined> {
    if (this.#find(instance) || this.#buried.has(instance)) return this.find(instance);
    const leases = await this.#store.listNodes();
    this.#learn(leases);
    if (!leases.some((lease) => lease.instance === instance)) return undefined;
    const heard = new AbortController();
    const stop = AbortSignal.any([heard.signal, AbortSignal.timeout(this.#timing.verdictMs)]);
    const listener = (up: InstanceId): void => {
      if (up === instance) heard.abort();
    };
    this.on('up', listener);
    if (!this.#find(instance)) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
    this.off('up', listener);
    return this.find(instance);
  }

  urlOf(instance: InstanceId): string | undefined {
    return this.#find(instance)?.link.url;
  }

  /** Where a node is that is alive, or has a lease, as far as is known here: what this master bears witness of. */
  addressOf(instance: InstanceId): string | undefined {
    for (const { link, lease } of this.#nodes.values()) {
      if (lease.instance === instance || link.instance === instance || link.unreachable === instance) return link.url;
    }
    return undefined;
  }

  /**
   * Whether `instance` is dead, asking it now if there is reason to. Unknown and unlisted means dead: its lease is
   * over or its place is taken by a new run.
   * @throws {StoreError} when it is unknown here and the store cannot be asked
   */
  async isDead(instance: InstanceId): Promise<boolean> {
    if (instance === this.#self.instance) return false;
    if (this.#buried.has(instance)) return true;
    const known = this.#find(instance);
    if (known) return known.link.confirm();
    if (this.isUnreachable(instance)) return false;
    const lease = (await this.#store.listNodes()).find((node) => node.instance === instance);
    if (!lease) return true;
    try {
      return (await this.#client.ping(lease.url, this.#timing.verdictMs)) !== instance;
    } catch {
      return !(await this.#isReachedByOthers(lease, this.#timing.verdictMs));
    }
  }

  /** Whether it lives, as far as others say, and cannot be reached from here. */
  isUnreachable(instance: InstanceId): boolean {
    for (const { link } of this.#nodes.values()) if (link.unreachable === instance) return true;
    return false;
  }

  /** A call to this master has failed: asks now. One that is dead, and had no liveness stream to tell, is told of here. */
  async suspect(instance: InstanceId): Promise<void> {
    if (this.#buried.has(instance)) return;
    const unheard = this.#find(instance) === undefined;
    const dead = await this.isDead(instance).catch(() => false);
    if (!dead || !unheard || this.#buried.has(instance)) return;
    this.#buried.add(instance);
    this.emit('dead', instance, 'master', 'silent');
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const { link } of this.#nodes.values()) link.close();
    await this.#store.dropLease(this.#self.instance).catch(() => {});
  }

  #find(instance: InstanceId): KnownNode | undefined {
    for (const node of this.#nodes.values()) if (node.link.instance === instance) return node;
    return undefined;
  }

  /**
   * What others say of a node that does not answer here. When there is nobody to ask, it may be this process that is cut off:
   * then a lease that is good speaks for the node. Where nobody on this side reaches it, it may be this side. A store that is down speaks for nobody, but without it nothing can be taken
   * from anyone either.
   */
  async #isReachedByOthers(about: { url: string; instance: InstanceId }, withinMs: number): Promise<boolean> {
    const others = [...this.live('media-node'), ...this.live('master')]
      .filter(({ url }) => url !== about.url)
      // A witness that is silent itself would use up the time.
      .sort((a, b) => Number(a.isDoubted) - Number(b.isDoubted));
    const said = await askWitnesses(this.#client, others, about.instance, withinMs);
    if (said === 'reached') return true;
    const leases = await this.#store.listNodes().catch(() => []);
    if (said === 'noAnswer') return leases.some(({ instance }) => instance === about.instance);
    const heard = this.live('master').filter(({ isDoubted }) => !isDoubted);
    const onThisSide = heard.map(({ instance }) => instance);
    return livesOnLargerSide(about.instance, onThisSide, leases, this.#self.instance, this.#timing);
  }

  async #look(): Promise<void> {
    const { id, instance, role, url } = this.#self;
    try {
      const lease = { id, instance, role, url, load: this.#load() };
      const twin = await this.#store.renewLease(lease, this.#timing.leaseMs);
      // The first renewal may replace the lease of a former run, which has crashed.
      if (twin !== undefined && this.#isListed) {
        this.#log.error({ error: 'IdTaken', twin }, 'Another process runs under the same --id.');
      }
      this.#isListed = true;
      this.#learn(await this.#store.listNodes());
      if (!this.#storeUp) this.#log.info('The store answers again.');
      this.#storeUp = true;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (this.#storeUp) this.#log.warn({ err: error }, 'The store does not answer; what is owned goes on.');
      this.#storeUp = false;
    }
  }

  #learn(leases: readonly NodeLease[]): void {
    for (const node of this.#nodes.values()) node.listed = false;
    for (const lease of leases) {
      if (lease.instance === this.#self.instance) continue;
      const known = this.#nodes.get(lease.url) ?? this.#add(lease);
      known.lease = lease;
      known.listed = true;
    }
    for (const [url, { listed, link }] of this.#nodes) {
      if (listed || link.instance || link.unreachable) continue;
      link.close();
      this.#nodes.delete(url);
    }
  }

  #add(lease: NodeLease): KnownNode {
    const { url, role } = lease;
    const { beatMs, verdictMs } = this.#timing;
    const link = new LiveLink(url, this.#client, {
      beatMs,
      verdictMs,
      // Media that cannot be commanded from here has to move, whoever else could.
      ...(role === 'master'
        ? { isReachedByOthers: (instance, withinMs) => this.#isReachedByOthers({ url, instance }, withinMs) }
        : {}),
    });
    const node: KnownNode = { link, lease, role, beat: undefined, listed: true, times: undefined };
    link.on('up', (hello) => {
      // Silent for too long, taken for dead, and back: what it owned has been decided without it, but it can serve anew.
      this.#buried.delete(hello.instance);
      node.role = hello.role;
      const now = Date.now();
      node.times = { startedAt: hello.startedAt, heardSince: now };
      this.#log.info({ peer: hello.instance }, 'A node of the cluster is up.');
      this.emit('up', hello.instance, hello.role);
    });
    link.on('beat', (beat) => {
      const before = node.beat;
      node.beat = beat;
      if (before?.ready && !beat.ready && link.instance) this.emit('drains', link.instance, node.role);
      if (link.instance) this.emit('beat', link.instance, node.role, beat);
    });
    link.on('news', (news) => {
      if (link.instance) this.emit('news', link.instance, news);
    });
    link.on('turnedAway', ({ failure, said }) => {
      const error = failure === 'otherCluster' ? 'StoresDiffer' : 'SecretRefused';
      this.#log.error({ error, peer: node.lease.instance, url, said }, 'A node of the cluster refuses this process.');
    });
    link.on('doubted', (instance) => this.emit('doubted', instance, node.role));
    link.on('unreachable', (instance) => {
      node.beat = undefined;
      this.#client.drop(url);
      this.#log.warn({ peer: instance }, 'A master lives, as others say, and cannot be reached from here.');
      this.emit('unreachable', instance);
    });
    link.on('dead', (instance, how) => {
      node.beat = undefined;
      // A call that waits for an answer waits no longer than the verdict.
      if (how !== 'replaced') this.#client.drop(url);
      this.#buried.add(instance);
      this.#log.warn({ peer: instance, how }, 'A node of the cluster is dead.');
      this.emit('dead', instance, node.role, how);
    });
    this.#nodes.set(url, node);
    return node;
  }
}

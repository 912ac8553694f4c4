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
  /** The last lease found at this URL. The link may already have heard a newer instance. */
  lease: NodeLease;
  role: NodeRole;
  beat: LiveBeat | undefined;
  /** Whether the last list of leases included it. A node that is neither listed nor heard is forgotten. */
  listed: boolean;
  /** Unix time, ms, of its start and of when it was first heard here. `undefined` while it isn't heard. */
  times: LiveTimes | undefined;
}

export interface DirectoryEvents {
  up: [InstanceId, NodeRole];
  /** `silent`: the node may return. */
  dead: [InstanceId, NodeRole, DeadHow];
  /** A master is alive but cannot be reached from here. `up` or `dead` follows. */
  unreachable: [InstanceId];
  /** A node has fallen silent and didn't answer a probe at once. `dead` may follow. */
  doubted: [InstanceId, NodeRole];
  news: [InstanceId, LiveNews];
  beat: [InstanceId, NodeRole, LiveBeat];
  /** A node has announced that it takes nothing new any more. */
  drains: [InstanceId, NodeRole];
}

/**
 * Knows the other nodes of the cluster. The leases in the store serve only to find them. Liveness streams tell which are alive, so a
 * store that is down makes no node look dead.
 */
export class Directory extends EventEmitter<DirectoryEvents> {
  readonly #self: Identity;
  readonly #store: Store;
  readonly #client: InternalClient;
  readonly #timing: Timing;
  readonly #log: Logger;
  readonly #load: () => number;
  /** By URL, as an address serves one node at a time. */
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
   * Renews the lease of this process and looks for new nodes; the first call also starts doing so periodically. Simultaneous calls share
   * a round. Other nodes don't see this process before the first one.
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

  /** The nodes of a role that are heard, or that have a lease. */
  listed(role: NodeRole): ListedNode[] {
    return [...this.#nodes.values()]
      .filter((node) => node.role === role)
      .map(({ link, lease, beat, times }) => {
        const instance = link.instance ?? link.unreachable;
        const { url, isDoubted } = link;
        return { instance: instance ?? lease.instance, url, beat, isDoubted, times: link.instance ? times : undefined };
      });
  }

  /** Another node listens to this one. If it is unknown, it is looked up at once, so that all know each other soon. */
  heardOf(instance: InstanceId): void {
    if (!this.#find(instance)) void this.refresh();
  }

  /** The node, if it is alive. */
  find(instance: InstanceId): LiveNode | undefined {
    const known = this.#find(instance);
    return known && { instance, url: known.link.url, beat: known.beat, isDoubted: known.link.isDoubted };
  }

  /**
   * Finds a node that is alive, including one that has only just started: waits until it is heard.
   * @throws {StoreError} when the node is unknown here and the store does not answer
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

  /** The URL of a node that is alive or has a lease. This master can testify about these. */
  addressOf(instance: InstanceId): string | undefined {
    for (const { link, lease } of this.#nodes.values()) {
      if (lease.instance === instance || link.instance === instance || link.unreachable === instance) return link.url;
    }
    return undefined;
  }

  /**
   * Whether `instance` is dead; probes it if necessary. An unknown node without a lease is dead: its lease has expired or a newer run has
   * replaced it.
   * @throws {StoreError} when the node is unknown here and the store does not answer
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

  /** Whether the node is alive according to others but cannot be reached from here. */
  isUnreachable(instance: InstanceId): boolean {
    for (const { link } of this.#nodes.values()) if (link.unreachable === instance) return true;
    return false;
  }

  /** Probes a master after a failed call. Emits `dead` if it is dead and has no liveness stream that would. */
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
   * Whether others vouch for a node that doesn't answer here. If no other node can be asked, this process itself may be cut off, so a
   * valid lease counts. If no node on this side reaches it, this side may be the one cut off, so the larger side counts. If the store is
   * down, no lease counts, but then no session can be taken over either.
   */
  async #isReachedByOthers(about: { url: string; instance: InstanceId }, withinMs: number): Promise<boolean> {
    const others = [...this.live('media-node'), ...this.live('master')]
      .filter(({ url }) => url !== about.url)
      // Prefer witnesses that aren't silent themselves, because waiting for one uses up the time.
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
      // The first renewal may replace the lease of an earlier run that crashed.
      if (twin !== undefined && this.#isListed) {
        this.#log.error({ error: 'IdTaken', twin }, 'Another process runs under the same --id.');
      }
      this.#isListed = true;
      this.#learn(await this.#store.listNodes());
      if (!this.#storeUp) this.#log.info('The store answers again.');
      this.#storeUp = true;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (this.#storeUp) this.#log.warn({ err: error }, 'The store does not answer; sessions owned here go on.');
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
      // For a media node, others don't count: media that this master cannot command has to move.
      ...(role === 'master'
        ? { isReachedByOthers: (instance, withinMs) => this.#isReachedByOthers({ url, instance }, withinMs) }
        : {}),
    });
    const node: KnownNode = { link, lease, role, beat: undefined, listed: true, times: undefined };
    link.on('up', (hello) => {
      // The node was silent and wrongly taken for dead. Its former sessions are settled, but it may serve new ones.
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
      this.#log.warn({ peer: instance }, 'A master is alive according to other nodes but cannot be reached from here.');
      this.emit('unreachable', instance);
    });
    link.on('dead', (instance, how) => {
      node.beat = undefined;
      // End pending calls now: none may wait longer than the verdict.
      if (how !== 'replaced') this.#client.drop(url);
      this.#buried.add(instance);
      this.#log.warn({ peer: instance, how }, 'A node of the cluster is dead.');
      this.emit('dead', instance, node.role, how);
    });
    this.#nodes.set(url, node);
    return node;
  }
}

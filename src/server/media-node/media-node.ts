import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { FastifyInstance } from 'fastify';
import { setLogEventListeners } from 'mediasoup';
import { enterCluster } from '../shared/cluster-entry.ts';
import { type RequestDrain, registerDrain } from '../shared/drain-route.ts';
import { createPublicServer } from '../shared/http-server.ts';
import { type Identity, newIdentity } from '../shared/identity.ts';
import { InternalClient } from '../shared/internal-client.ts';
import { createInternalServer } from '../shared/internal-server.ts';
import { type Addresses, type Listening, listenTwice } from '../shared/listen.ts';
import { LiveFeed } from '../shared/live-feed.ts';
import { createLogger, type Logger } from '../shared/logging.ts';
import { isLoopback } from '../shared/own-addresses.ts';
import type { Secrets } from '../shared/secrets.ts';
import type { Timing } from '../shared/timing.ts';
import { registerWitness } from '../shared/witness.ts';
import type { NodeLease, Store } from '../store/store.ts';
import { registerMediaCommands, registerRoomList } from './commands.ts';
import { Fences } from './fences.ts';
import { Lease } from './lease.ts';
import { type MediaAddress, mediaAddresses } from './media-addresses.ts';
import { type MediaCounts, MediaMetrics } from './metrics.ts';
import { Retirement, registerRetirement } from './retirement.ts';
import { Rooms } from './rooms.ts';
import { WorkerPool } from './worker-pool.ts';

export interface MediaNodeOptions extends Addresses {
  /** The stable name of the node, e.g. `media-1`. */
  readonly id: string;
  /** URL at which masters reach this node. Default: its internal host and port. */
  readonly advertisedUrl?: string | undefined;
  readonly secrets: Secrets;
  readonly store: Pick<Store, 'clusterId' | 'renewLease' | 'dropLease' | 'listNodes'>;
  /** Default: one per core. */
  readonly workers?: number | undefined;
  /** A port for each worker, for UDP and TCP. */
  readonly rtcPorts: { readonly min: number; readonly max: number };
  /** Address for media. Default: every address that other machines reach, plus loopback if `host` is a loopback address. */
  readonly listenIp?: string | undefined;
  /** The address that clients are told, if it differs. */
  readonly announcedAddress?: string | undefined;
  /** Path of the mediasoup-worker. Default: MEDIASOUP_WORKER_BIN, or mediasoup's own. */
  readonly workerBin?: string | undefined;
  readonly logLevel: string;
  readonly timing: Timing;
  /** Called when another process asks this one to drain and end. Default: the request is refused. */
  readonly drainRequested?: RequestDrain | undefined;
}

/** The worker's error for closing what is already closed. */
const CLOSED_ALREADY = /not found \[method:\S*close/i;
/** mediasoup's errors for wrong descriptions by a client. The client gets an answer, but must not be able to fill the log. */
const REFUSED = /canConsume\(\) \| unexpected error|throwing MediaSoup(Type)?Error/;

/** A process that carries media. It carries out the masters' commands, and keeps media flowing while a session changes its owner. */
export class MediaNode {
  readonly identity: Identity;
  /** URL of its public port, for health checks. */
  readonly clientUrl: string;
  readonly #log: Logger;
  readonly #workers: WorkerPool;
  readonly #rooms: Rooms;
  readonly #feed: LiveFeed;
  readonly #listening: readonly Listening[];
  readonly #apps: readonly FastifyInstance[];
  readonly #retirement: Retirement;
  readonly #client: InternalClient;
  /** `undefined` until the cluster has accepted this node. */
  #lease: Lease | undefined;
  #draining = false;
  #closing: Promise<void> | undefined;

  /** See `startMediaNode`. */
  static async start(options: MediaNodeOptions): Promise<MediaNode> {
    const named = newIdentity('media-node', options.id, options.advertisedUrl ?? '', options.store.clusterId);
    const log = createLogger(named, options.logLevel);
    setLogEventListeners({
      // Refused requests, which the master is told of, and unexpected packets, which only concern a client.
      onwarn: (source, text) => log.debug({ source }, text),
      onerror: (source, text, error) => {
        // The object was already closed together with its parent.
        if (CLOSED_ALREADY.test(text) || REFUSED.test(text)) log.debug({ source }, text);
        else log.error({ source, err: error }, text);
      },
    });
    const workers = await WorkerPool.start({
      workers: options.workers ?? availableParallelism(),
      rtcPorts: options.rtcPorts,
      addresses: () => addressesOf(options, log),
      workerBin: options.workerBin,
      lookMs: options.timing.beatMs,
      verdictMs: options.timing.verdictMs,
      log,
    });
    try {
      // Listen last, so that the node is ready as soon as others can reach it.
      const listening = await listenTwice(options);
      const identity = { ...named, url: options.advertisedUrl ?? listening.internal.url };
      const node = new MediaNode(options, identity, listening, workers, log);
      await node.#enter(options);
      const { cluster, url: internalUrl } = identity;
      log.info({ url: node.clientUrl, internalUrl, workers: workers.size, cluster }, 'The media node is ready.');
      return node;
    } catch (error) {
      await workers.close();
      throw error;
    }
  }

  private constructor(
    { secrets, timing, drainRequested }: MediaNodeOptions,
    identity: Identity,
    { open, internal }: { readonly open: Listening; readonly internal: Listening },
    workers: WorkerPool,
    log: Logger,
  ) {
    this.identity = identity;
    this.clientUrl = open.url;
    this.#listening = [open, internal];
    this.#workers = workers;
    this.#log = log;
    const health = createPublicServer({ identity, log, server: open.server, health: () => this.#health() });
    const { app, metrics } = createInternalServer({ identity, secrets, log, server: internal.server });
    this.#apps = [health, app];
    this.#feed = new LiveFeed(
      identity,
      timing.beatMs,
      () => ({
        load: workers.load,
        ready: this.#health().ready,
        retires: this.#retirement.retires,
        facts: { ...this.#counts() },
      }),
      (who, listening) => this.#rooms.ownerListens(who, listening),
    );
    this.#rooms = new Rooms({
      workers,
      fences: new Fences(),
      isListening: (owner) => this.#feed.isListening(owner),
      tell: (news, data) => this.#feed.tell(news, data),
      ownerlessGraceMs: timing.ownerlessGraceMs,
      mediaCommandMs: timing.mediaCommandMs,
      log,
    });
    const mediaMetrics = new MediaMetrics(
      metrics,
      () => this.#counts(),
      () => workers.load,
    );
    this.#feed.register(app);
    this.#client = new InternalClient(secrets, identity.instance, identity.cluster);
    registerWitness(app, this.#client, (instance) => this.#lease?.addressOf(instance));
    registerDrain(app, drainRequested);
    this.#retirement = new Retirement({
      rooms: this.#rooms,
      end: drainRequested,
      isDraining: () => this.#draining,
      changed: () => this.#feed.beat(),
      log,
    });
    registerRetirement(app, this.#retirement);
    registerMediaCommands(app, this.#rooms, mediaMetrics, log);
    registerRoomList(app, this.#rooms);
    workers.on('changed', () => this.#feed.beat());
  }

  /** Starts serving and lists this node in the store. @throws {ClusterEntryError} after closing everything */
  async #enter({ store, timing: { leaseRenewMs, leaseMs } }: MediaNodeOptions): Promise<void> {
    try {
      await Promise.all(this.#apps.map((app) => app.ready()));
      await enterCluster({ self: this.identity, store, client: this.#client, log: this.#log });
      this.#lease = new Lease({ store, lease: () => this.#leaseNow(), leaseRenewMs, leaseMs, log: this.#log });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Refuses new rooms and tells the masters, which move theirs elsewhere. Resolves when the last room has gone, or after
   * `deadlineMs`.
   */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    this.#rooms.refuseNew();
    this.#feed.beat();
    if (this.#rooms.size.rooms === 0) return;
    const emptied = once(this.#rooms, 'emptied', { signal: AbortSignal.timeout(deadlineMs) });
    await emptied.catch(() =>
      this.#log.warn(this.#rooms.size, 'The deadline of the drain has passed; these rooms are lost.'),
    );
  }

  /** Closes everything, media included. Resolves when the workers' processes have ended. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#draining = true;
    this.#feed.close();
    for (const { server } of this.#listening) {
      server.close();
      server.closeAllConnections();
    }
    await Promise.all([...this.#apps.map((app) => app.close()), this.#lease?.close(), this.#client.close()]);
    this.#rooms.closeAll();
    await this.#workers.close();
    this.#log.info('The media node has ended.');
  }

  #health(): { ready: boolean; reason?: string } {
    if (this.#draining) return { ready: false, reason: 'draining' };
    return this.#workers.size > 0 ? { ready: true } : { ready: false, reason: 'no media worker' };
  }

  #counts(): MediaCounts {
    return { workers: this.#workers.size, ...this.#rooms.size };
  }

  #leaseNow(): NodeLease {
    const { id, instance, role, url } = this.identity;
    return { id, instance, role, url, load: this.#workers.load };
  }
}

/** An address set by option is used alone. */
async function addressesOf(
  { host, listenIp, announcedAddress }: MediaNodeOptions,
  log: Logger,
): Promise<readonly MediaAddress[]> {
  if (listenIp !== undefined) return [{ ip: listenIp, announcedAddress }];
  const { used, unused } = await mediaAddresses(isLoopback(host));
  if (unused.length > 0)
    log.warn({ unused }, 'These addresses carry no media. Choose one with --listen-ip if it should.');
  return used;
}

/**
 * Starts a media node. The caller handles signals, drains and closes: mediasoup's own signal handlers are removed.
 * @throws {MediaNodeError} when a worker cannot be started or finds no free port
 */
export function startMediaNode(options: MediaNodeOptions): Promise<MediaNode> {
  return MediaNode.start(options);
}

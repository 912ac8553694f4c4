import { Gauge } from 'prom-client';
import type { IceServer } from '../../protocol/frames.ts';
import type { UniqueSessionId } from '../../protocol/ids.ts';
import { TrustedProxies } from '../shared/client-address.ts';
import { enterCluster } from '../shared/cluster-entry.ts';
import { type RequestDrain, registerDrain } from '../shared/drain-route.ts';
import { createPublicServer } from '../shared/http-server.ts';
import { type Identity, newIdentity } from '../shared/identity.ts';
import { InternalClient } from '../shared/internal-client.ts';
import { createInternalServer } from '../shared/internal-server.ts';
import { type Addresses, listenTwice } from '../shared/listen.ts';
import { type LiveBeat, LiveFeed } from '../shared/live-feed.ts';
import { createLogger } from '../shared/logging.ts';
import type { Secrets } from '../shared/secrets.ts';
import type { Timing } from '../shared/timing.ts';
import { registerWitness } from '../shared/witness.ts';
import type { FailoverPolicy, Store } from '../store/store.ts';
import { ProcessBudgets } from './budgets.ts';
import { Directory } from './cluster/directory.ts';
import { Handover } from './cluster/handover.ts';
import { Locator } from './cluster/locator.ts';
import { OwnerDeaths } from './cluster/owner-deaths.ts';
import { Edge } from './edge/edge.ts';
import { registerGoodbye } from './edge/goodbye-route.ts';
import { Goodbyes } from './edge/goodbyes.ts';
import { acceptSockets } from './edge/socket-server.ts';
import { registerInternalRoutes } from './link/internal-routes.ts';
import { Links } from './link/links.ts';
import { ConnectionSecrets } from './owner/connection-secrets.ts';
import { Placement } from './owner/media-room.ts';
import { RoomAudit } from './owner/room-audit.ts';
import { NO_CHRONICLE } from './owner/session-chronicle.ts';
import { Sessions } from './owner/sessions.ts';
import { ForwardedMark } from './rest/forwarded-rest.ts';
import { IdempotencyKeys } from './rest/idempotency.ts';
import { RestForwarder } from './rest/rest-forwarder.ts';
import { registerRestRoutes } from './rest/rest-routes.ts';
import type { WebhookSettings } from './webhooks/webhook-settings.ts';
import { Webhooks } from './webhooks/webhooks.ts';

export interface MasterOptions extends Addresses {
  readonly id: string;
  /** URL at which the other nodes reach this process. Default: its internal host and port. */
  readonly advertisedUrl?: string;
  readonly secrets: Secrets;
  readonly store: Store;
  /** The balancer's URL for clients, which becomes part of tokens. */
  readonly publicUrl: string;
  readonly failover: FailoverPolicy;
  /** STUN and TURN servers for clients whose connection names none of its own. Default: none. */
  readonly iceServers?: readonly IceServer[];
  /** Where and how webhooks are sent. Default: no webhooks. */
  readonly webhooks?: WebhookSettings;
  /** Addresses and ranges of proxies whose X-Forwarded-* headers are trusted. Default: loopback. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Origins whose pages may open sockets. Default: any. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Origins whose pages may use the REST API. Default: none. */
  readonly corsOrigins?: readonly string[] | undefined;
  readonly logLevel: string;
  readonly timing: Timing;
  /** Called when another process asks this one to drain and end. Default: the request is refused. */
  readonly drainRequested?: RequestDrain;
}

export interface Master {
  readonly identity: Identity;
  /** URL of its public port. */
  readonly clientUrl: string;
  /** Hands its sessions over to other masters and sends its clients away. Resolves after `deadlineMs` at the latest. */
  drain(deadlineMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Share of the drain deadline for the handover. The rest is for sending clients away, for which `SPREAD_MS` is the most. */
const GIVE_SHARE = 0.7;
const SPREAD_MS = 1_000;
/** How long the last messages to other masters may take. */
const FLUSH_MS = 1_000;

/** Starts a master: an edge for clients' sockets, an owner of sessions, and the REST API. */
export async function startMaster(options: MasterOptions): Promise<Master> {
  const { store, secrets, timing } = options;
  const { open, internal } = await listenTwice(options);
  const { server } = open;
  const identity = newIdentity('master', options.id, options.advertisedUrl ?? internal.url, store.clusterId);
  const log = createLogger(identity, options.logLevel);
  const client = new InternalClient(secrets, identity.instance, store.clusterId);
  let state: 'starting' | 'ready' | 'draining' | 'closing' = 'starting';

  /** Whether this master creates sessions and takes sessions from others. */
  const accepts = (): boolean => state === 'ready';
  const app = createPublicServer({
    identity,
    log,
    server,
    health: () => ({ ready: state === 'ready', reason: state }),
  });
  const { app: inner, metrics } = createInternalServer({ identity, secrets, log, server: internal.server });

  const load = (): number => Math.min(100, sessions.members / 10);
  const directory = new Directory(identity, store, client, timing, log, () => load());
  const placement = new Placement(directory, client, timing);
  const clusterId = new URL(options.publicUrl).hostname;
  const webhooks =
    options.webhooks && new Webhooks({ self: identity, store, settings: options.webhooks, metrics, log, clusterId });
  const chronicle = webhooks ?? NO_CHRONICLE;
  const iceServers = options.iceServers ?? [];
  const budgets = new ProcessBudgets();
  budgets.measure(metrics);
  const sessions = new Sessions({
    self: identity.instance,
    store,
    placement,
    timing,
    log,
    iceServers,
    chronicle,
    secrets: new ConnectionSecrets(secrets),
    budgets,
  });
  const deaths = new OwnerDeaths({
    self: identity.instance,
    store,
    log,
    masters: () => {
      const ready = directory.live('master').filter(({ beat }) => beat?.ready !== false);
      const others = ready.map(({ instance }) => instance);
      return accepts() || others.length === 0 ? [identity.instance, ...others] : others;
    },
    mediaNode: (instance) => directory.locate(instance),
    takeOver: (record, node) => sessions.takeOver(record, node),
    flagged: async (owner, left) => webhooks?.masterDied(owner, left),
    chronicle,
  });
  const links = new Links(client, timing);
  const roomAudit = new RoomAudit({ self: identity.instance, sessions, directory, client, timing, log });
  const locator = new Locator(identity.instance, sessions, store, directory, deaths);
  const goodbyes = new Goodbyes({ locator, sessions, client, store, timing, log });
  const edge = new Edge(identity.instance, {
    locator,
    sessions,
    links,
    deaths,
    goodbyes,
    store,
    timing,
    log,
    refused: (code) => budgets.refused(code),
  });
  const forwarded = new ForwardedMark();
  const forwarder = new RestForwarder(client, forwarded, directory, timing, log);
  links.failed = (instance) => void directory.suspect(instance);
  links.unknownAtEdge = (attachments) => sessions.lost(attachments);

  // Register first, so that webhooks hear of a crash before the listeners below act on it.
  webhooks?.follow(directory);
  directory.on('drains', (instance, role) => {
    if (role === 'media-node') sessions.mediaNodeDrains(instance);
  });
  directory.on('up', (instance) => {
    deaths.revive(instance);
    sessions.mediaNodeHeard(instance);
  });
  directory.on('doubted', (instance, role) => {
    if (role === 'media-node') sessions.mediaNodeDoubted(instance);
  });
  directory.on('beat', (instance) => sessions.mediaNodeHeard(instance));
  directory.on('dead', (instance, role, how) => {
    if (role === 'media-node') return sessions.mediaNodeDied(instance, how === 'silent' ? 'silent' : 'gone');
    links.forget(instance);
    sessions.edgeDied(instance);
    void deaths.settle(instance);
  });
  directory.on('unreachable', (instance) => {
    links.forget(instance);
    sessions.edgeDied(instance);
    edge.ownerUnreachable(instance);
  });
  deaths.on('settled', (owner) => void edge.ownerDied(owner));
  directory.on('news', (instance, { news, data }) => {
    if (news === 'roomLost')
      sessions.roomLost(instance, (data as { uniqueSessionId: UniqueSessionId }).uniqueSessionId);
  });

  const beat = (): Omit<LiveBeat, 'kind'> => ({
    load: load(),
    ready: state === 'ready',
    facts: { sessions: sessions.size, connections: sessions.members, sockets: edge.size },
  });
  const feed = new LiveFeed(identity, timing.beatMs, beat, (who, listening) => {
    if (listening) directory.heardOf(who);
  });
  feed.register(inner);
  registerWitness(inner, client, (instance) => directory.addressOf(instance));
  registerDrain(inner, options.drainRequested);
  registerInternalRoutes(inner, { sessions, edge, links, directory });
  const handover = new Handover({ sessions, directory, client, store, timing, log, accepts });
  handover.register(inner);
  forwarded.serve(inner, app);
  const proxies = new TrustedProxies(options.trustedProxies);
  const publicUrl = options.publicUrl.replace(/\/+$/, '');
  registerGoodbye(app, { goodbyes, proxies, allowedOrigins: options.allowedOrigins, log });
  registerRestRoutes(app, {
    self: identity,
    log,
    secrets,
    forwarded,
    proxies,
    corsOrigins: options.corsOrigins ?? [],
    publicUrl,
    socketUrl: publicUrl.replace(/^http/, 'ws'),
    failover: options.failover,
    sessions,
    locator,
    forwarder,
    keys: new IdempotencyKeys(secrets),
    store,
    directory,
    client,
    timing,
    accepts,
    beat: () => ({ kind: 'beat', ...beat() }),
  });
  for (const [name, help, read] of [
    ['rejoin_sessions', 'Sessions owned here', () => sessions.size],
    ['rejoin_connections', 'Connections of the sessions owned here', () => sessions.members],
    ['rejoin_sockets', 'Sockets of clients at this edge', () => edge.size],
  ] as const) {
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect() {
        this.set(read());
      },
    });
  }

  acceptSockets(server, { edge, proxies, allowedOrigins: options.allowedOrigins, log });
  const master: Master = {
    identity,
    clientUrl: open.url,
    drain: async (deadlineMs) => {
      state = 'draining';
      // Leave the balancer's rotation first, so that clients sent away don't return to this master.
      feed.beat();
      await handover.giveAll(deadlineMs * GIVE_SHARE);
      await edge.sendAway(Math.min(SPREAD_MS, deadlineMs * (1 - GIVE_SHARE)));
      await links.flushed(FLUSH_MS);
    },
    close: async () => {
      state = 'closing';
      feed.beat();
      edge.close();
      roomAudit.close();
      sessions.close();
      await webhooks?.close();
      links.close();
      await directory.close();
      feed.close();
      await Promise.all([app.close(), inner.close()]);
      for (const { server: one } of [open, internal]) {
        one.closeAllConnections();
        one.close();
      }
      await client.close();
      await store.close();
      log.info('The master has ended.');
    },
  };
  try {
    await app.ready();
    await inner.ready();
    await enterCluster({ self: identity, store, client, log });
    await directory.refresh();
  } catch (error) {
    await master.close();
    throw error;
  }
  state = 'ready';
  feed.beat();
  log.info({ url: open.url, internalUrl: identity.url, cluster: store.clusterId }, 'The master is ready.');
  return master;
}

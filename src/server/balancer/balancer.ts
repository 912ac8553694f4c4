import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  LogController,
} from 'fastify';
import { answerBadPath } from '../shared/bad-path.ts';
import { TrustedProxies } from '../shared/client-address.ts';
import type { CorsOrigins } from '../shared/cors-origins.ts';
import { type Identity, newIdentity } from '../shared/identity.ts';
import { InternalClient } from '../shared/internal-client.ts';
import { LISTEN_BACKLOG } from '../shared/listen.ts';
import { LiveLink } from '../shared/live-link.ts';
import { createLogger, type Logger } from '../shared/logging.ts';
import { prefixLeft } from '../shared/prefix-left.ts';
import { pathOf } from '../shared/request-target.ts';
import type { Secrets } from '../shared/secrets.ts';
import { answerClientError } from '../shared/slow-requests.ts';
import type { Timing } from '../shared/timing.ts';
import { BalancerMetrics } from './balancer-metrics.ts';
import { createBalancerServer, listenAlso, type TlsCertificate } from './balancer-server.ts';
import { findCluster } from './cluster-choice.ts';
import { answerError } from './gateway-error.ts';
import { HttpProxy, type Route } from './http-proxy.ts';
import { MasterPool } from './master-pool.ts';
import { serveMetrics } from './metrics-server.ts';
import { type StaticFiles, serveStaticFiles } from './static-files.ts';
import { UpgradeProxy } from './upgrade-proxy.ts';

/** URLs of a master, e.g. `http://10.0.0.4:4000` for clients and `http://10.0.0.4:4001` for the processes of the cluster. */
export interface MasterAddress {
  readonly url: string;
  readonly internalUrl: string;
}

export interface BalancerOptions {
  /** Name of this node, e.g. `balancer-1`. */
  readonly id: string;
  readonly host: string;
  /** Further addresses to listen on. Default: none. */
  readonly moreHosts?: readonly string[] | undefined;
  /** 0: any free port. */
  readonly port: number;
  /** Default: clients are served without TLS. */
  readonly tls?: TlsCertificate | undefined;
  /** Host of the port that serves only `/metrics`. */
  readonly internalHost: string;
  /** 0: any free port. */
  readonly internalPort: number;
  /** Addresses and ranges whose X-Forwarded-* headers are trusted. Default: loopback. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Origins whose pages may read the balancer's own answers; should equal the masters' setting. Default: none. */
  readonly corsOrigins?: CorsOrigins | undefined;
  /** Secrets of the cluster, for listening to the masters' liveness. */
  readonly secrets: Secrets;
  /** All masters, alive or not. */
  readonly masters: readonly MasterAddress[];
  readonly directories: readonly StaticFiles[];
  readonly routes: readonly Route[];
  readonly logLevel: string;
  readonly timing: Pick<Timing, 'beatMs' | 'verdictMs'>;
  /** Time limit for the answer to an HTTP request, ms. */
  readonly requestMs: number;
  /** How long a master may take to accept a WebSocket, ms. */
  readonly handshakeMs: number;
}

export interface Balancer {
  readonly identity: Identity;
  readonly clientUrl: string;
  /** Stops accepting, closes the sockets, answers pending requests, and resolves when all are closed. */
  close(): Promise<void>;
}

/**
 * The bundled balancer: one port in front of the masters. It distributes HTTP requests and WebSockets in turn over the masters that are
 * alive, which it knows from a liveness stream to each.
 */
export async function startBalancer(options: BalancerOptions): Promise<Balancer> {
  const { id, host, moreHosts = [], port, tls, secrets, masters, timing } = options;
  const identity = newIdentity('balancer', id, originOf(host, port, tls));
  const log = createLogger(identity, options.logLevel);
  const client = new InternalClient(secrets, identity.instance);
  try {
    await findCluster(masters, client, log);
  } catch (error) {
    await client.close();
    throw error;
  }
  const pooled = masters.map(({ url, internalUrl }) => ({ url, link: new LiveLink(internalUrl, client, timing) }));
  for (const { link } of pooled) {
    link.on('dead', () => {
      // All masters are gone; the next ones may have a new store.
      if (pooled.every((one) => one.link.instance === undefined)) client.leaveCluster();
    });
  }
  const pool = new MasterPool(pooled, log);
  const metrics = new BalancerMetrics(identity.id, {
    tunnels: () => upgrades.tunnels,
    healthyMasters: () => pool.healthy,
  });
  const answered = (status: number): void => metrics.request(status);
  const proxies = new TrustedProxies(options.trustedProxies);
  const corsOrigins = options.corsOrigins ?? [];
  const upgrades = new UpgradeProxy({ pool, proxies, log, handshakeMs: options.handshakeMs, answered });
  const { routes, requestMs } = options;
  const proxy = new HttpProxy({ pool, routes, requestMs, proxies, corsOrigins, answered });

  let closing: Promise<void> | undefined;
  const app = createApp(log, corsOrigins, tls);
  app.get('/health', (_request, reply) => {
    const reason = closing ? 'closing' : pool.healthy === 0 ? 'no master answers' : undefined;
    const status = reason === undefined ? 'ready' : 'not ready';
    return reply.code(reason === undefined ? 200 : 503).send({ status, node: id, reason });
  });
  await proxy.register(app);
  await serveStaticFiles(app, options.directories);
  app.server.on('upgrade', (request, socket, head) => void upgrades.handle(request, socket, head));

  const doubt = setTimeout(() => {
    if (pool.healthy === 0)
      log.warn({ masters }, 'No master answers. Check the URLs of the masters, and whether they have the same secret.');
  }, timing.verdictMs);
  const release = (): void => {
    clearTimeout(doubt);
    pool.close();
    void client.close();
  };
  const internal = await serveMetrics(options.internalHost, options.internalPort, metrics.registry).catch((error) => {
    release();
    throw error;
  });
  const portOf = (address: ReturnType<typeof app.server.address>): number =>
    typeof address === 'object' && address !== null ? address.port : port;
  let closeMore: () => void;
  try {
    await app.listen({ host, port, backlog: LISTEN_BACKLOG });
    closeMore = await listenAlso(app.server, moreHosts, portOf(app.server.address()));
  } catch (error) {
    await Promise.all([app.close(), internal.close()]);
    release();
    throw error;
  }
  const bound = portOf(app.server.address());
  log.info({ hosts: [host, ...moreHosts], port: bound, internal: internal.url, masters }, 'The balancer is ready.');

  return {
    identity: { ...identity, url: originOf(host, bound, tls) },
    clientUrl: originOf(host, bound, tls),
    close: () => {
      closing ??= (async () => {
        closeMore();
        proxy.close();
        upgrades.close();
        await app.close();
        await internal.close();
        release();
        log.info('The balancer has ended.');
      })();
      return closing;
    },
  };
}

function createApp(log: Logger, corsOrigins: CorsOrigins, tls: TlsCertificate | undefined): FastifyInstance {
  const app = fastify({
    logController: new LogController({ disableRequestLogging: true }),
    loggerInstance: log as FastifyBaseLogger,
    frameworkErrors: answerBadPath,
    clientErrorHandler: answerClientError,
    serverFactory: (handler) => createBalancerServer(handler, tls),
  });
  const notFound = (reply: FastifyReply): FastifyReply => {
    const message = prefixLeft(pathOf(reply.request.url)) ?? 'There is nothing at this path. Check the path.';
    return answerError(reply, 404, message, corsOrigins);
  };
  // Refuse before reading a body.
  app.addHook('onRequest', async (request, reply) => (request.is404 ? notFound(reply) : undefined));
  app.setNotFoundHandler((_request, reply) => notFound(reply));
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error({ err: error }, 'A request failed.');
    return answerError(reply, status, error.message, corsOrigins);
  });
  return app;
}

/** The origin under which a browser on this machine reaches a server that listens on `host`. */
function originOf(host: string, port: number, tls: TlsCertificate | undefined): string {
  const everywhere = host === '0.0.0.0' || host === '::';
  const name = everywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'https' : 'http'}://${name}:${port}`;
}

import type { IncomingMessage } from 'node:http';
import fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance, LogController } from 'fastify';
import { answerBadPath } from '../shared/bad-path.ts';
import { type Identity, newIdentity } from '../shared/identity.ts';
import { InternalClient } from '../shared/internal-client.ts';
import { LISTEN_BACKLOG } from '../shared/listen.ts';
import { LiveLink } from '../shared/live-link.ts';
import { createLogger, type Logger } from '../shared/logging.ts';
import type { Secrets } from '../shared/secrets.ts';
import type { Timing } from '../shared/timing.ts';
import { BalancerMetrics } from './balancer-metrics.ts';
import { gatewayErrorBody } from './gateway-error.ts';
import { HttpProxy, type Route } from './http-proxy.ts';
import { MasterPool } from './master-pool.ts';
import { type StaticFiles, serveStaticFiles } from './static-files.ts';
import { UpgradeProxy } from './upgrade-proxy.ts';

/** Where a master is, e.g. `http://10.0.0.4:4000` for clients and `http://10.0.0.4:4001` for the processes of the cluster. */
export interface MasterAddress {
  readonly url: string;
  readonly internalUrl: string;
}

export interface BalancerOptions {
  /** Name of this node, e.g. `balancer-1`. */
  readonly id: string;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** The cluster's, to listen to the masters' liveness. */
  readonly secrets: Secrets;
  /** All masters, alive or not. */
  readonly masters: readonly MasterAddress[];
  readonly directories: readonly StaticFiles[];
  readonly routes: readonly Route[];
  readonly logLevel: string;
  readonly timing: Pick<Timing, 'beatMs' | 'verdictMs'>;
  /** How long an answer to an HTTP request may take, ms. */
  readonly requestMs: number;
  /** How long a master may take to accept a WebSocket, ms. */
  readonly handshakeMs: number;
}

export interface Balancer {
  readonly identity: Identity;
  readonly clientUrl: string;
  /** Stops accepting, ends the sockets, answers the requests that have come, and resolves when all are closed. */
  close(): Promise<void>;
}

/**
 * The bundled balancer: one port in front of the masters. It hands out HTTP requests and WebSockets in turn to the
 * masters that are alive, which it knows from a liveness stream to each.
 */
export async function startBalancer(options: BalancerOptions): Promise<Balancer> {
  const { id, host, port, secrets, masters, timing } = options;
  const identity = newIdentity('balancer', id, originOf(host, port));
  const log = createLogger(identity, options.logLevel);
  const client = new InternalClient(secrets, identity.instance);
  const pool = new MasterPool(
    masters.map(({ url, internalUrl }) => ({ url, link: new LiveLink(internalUrl, client, timing) })),
    log,
  );
  const metrics = new BalancerMetrics(identity.id, {
    tunnels: () => upgrades.tunnels,
    healthyMasters: () => pool.healthy,
  });
  const answered = (status: number): void => metrics.request(status);
  const upgrades = new UpgradeProxy({ pool, log, handshakeMs: options.handshakeMs, answered });
  const proxy = new HttpProxy({ pool, routes: options.routes, requestMs: options.requestMs, answered });

  let closing: Promise<void> | undefined;
  const app = createApp(log);
  app.get('/health', (_request, reply) => {
    const reason = closing ? 'closing' : pool.healthy === 0 ? 'no master answers' : undefined;
    const status = reason === undefined ? 'ready' : 'not ready';
    return reply.code(reason === undefined ? 200 : 503).send({ status, node: id, reason });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  await proxy.register(app);
  await serveStaticFiles(app, options.directories);
  app.server.on('upgrade', (request, socket, head) => void upgrades.handle(request, socket, head));

  const doubt = setTimeout(() => {
    if (pool.healthy === 0) log.warn({ masters }, 'No master answers. Are the URLs right, and is the secret theirs?');
  }, timing.verdictMs);
  const release = (): void => {
    clearTimeout(doubt);
    pool.close();
    void client.close();
  };
  try {
    await app.listen({ host, port, backlog: LISTEN_BACKLOG });
  } catch (error) {
    release();
    throw error;
  }
  const address = app.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  log.info({ host, port: bound, masters }, 'balancer listens');

  return {
    identity: { ...identity, url: originOf(host, bound) },
    clientUrl: originOf(host, bound),
    close: () => {
      closing ??= (async () => {
        proxy.close();
        upgrades.close();
        await app.close();
        release();
        log.info('balancer closed');
      })();
      return closing;
    },
  };
}

function createApp(log: Logger): FastifyInstance {
  const app = fastify({
    logController: new LogController({ disableRequestLogging: true }),
    loggerInstance: log as FastifyBaseLogger,
    frameworkErrors: answerBadPath,
    // Other upgrades, which some HTTP clients offer with every request, are plain requests to us.
    http: {
      shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
    },
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    return reply.code(404).send(gatewayErrorBody(404, 'There is nothing here.', path));
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error({ err: error }, 'a request failed');
    return reply.code(status).send(gatewayErrorBody(status, error.message, request.url.split('?', 1)[0] ?? ''));
  });
  return app;
}

/** Where a browser on this machine finds a server that listens at `host`. */
function originOf(host: string, port: number): string {
  const everywhere = host === '0.0.0.0' || host === '::';
  const name = everywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

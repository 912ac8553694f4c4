import type { Server } from 'node:http';
import fastify, { type FastifyBaseLogger, type FastifyHttpOptions, type FastifyInstance, LogController } from 'fastify';
import { ProtocolError } from '../../protocol/errors.ts';
import { answerBadPath } from './bad-path.ts';
import type { Identity } from './identity.ts';
import type { Logger } from './logging.ts';
import { prefixLeft } from './prefix-left.ts';
import { pathOf, withCheckedTargets } from './request-target.ts';
import { answerClientError } from './slow-requests.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * How a route is guarded. `open`: no guard. `secret`: the secret of the REST API. `cluster`: the signature of another process. A route
     * that declares nothing cannot be reached.
     */
    access?: 'open' | 'secret' | 'cluster';
  }
}

export interface HttpServerOptions {
  readonly log: Logger;
  /** A server that is already listening. */
  readonly server: Server;
}

/** Bytes. Larger bodies are refused before authorization. */
const PUBLIC_BODY_LIMIT = 1024 * 1024;

/** A Fastify application on a server that is already listening, with the settings that all processes share. */
export function createApp({ log, server }: HttpServerOptions, bodyLimit: number): FastifyInstance {
  const options: FastifyHttpOptions<Server> = {
    // Logging each request would drown important lines; errors are logged where they are handled.
    logController: new LogController({ disableRequestLogging: true }),
    loggerInstance: log as FastifyBaseLogger,
    bodyLimit,
    forceCloseConnections: true,
    // Keys of this name in a client's data are dropped. An error instead would block everything else in the same batch.
    onProtoPoisoning: 'remove',
    onConstructorPoisoning: 'remove',
    // Names of any length reach the handler, which answers that there is no such thing.
    routerOptions: { maxParamLength: 16 * 1024 },
    frameworkErrors: answerBadPath,
    serverFactory: (handler) => {
      // The router decodes paths, but guards read them raw. So only paths with a single reading get this far.
      server.on('request', withCheckedTargets(handler));
      server.on('clientError', answerClientError);
      return server;
    },
  };
  return fastify(options);
}

export interface PublicServerOptions extends HttpServerOptions {
  readonly identity: Identity;
  /** The server answers 200 when ready, 503 when draining or not ready. */
  readonly health: () => { readonly ready: boolean; readonly reason?: string };
}

/**
 * Serves clients, balancers and applications' servers: `/health`, and every route that declares a guard. A route without one
 * is answered as if it didn't exist.
 */
export function createPublicServer({ identity, health, ...options }: PublicServerOptions): FastifyInstance {
  const app = createApp(options, PUBLIC_BODY_LIMIT);
  app.addHook('onRequest', async ({ routeOptions, is404, url }, reply) => {
    if (!is404) return routeOptions.config.access === undefined ? reply.callNotFound() : undefined;
    const path = pathOf(url);
    const message = prefixLeft(path);
    if (message === undefined) return undefined;
    return reply.code(404).send({ timestamp: Date.now(), status: 404, error: 'Not Found', message, path });
  });
  app.get('/health', { config: { access: 'open' } }, (_request, reply) => {
    const { ready, reason } = health();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', node: identity.id, reason });
  });
  return app;
}

/** The answer to a failed internal call. Protocol errors keep their code across processes. */
export function internalFailure(error: unknown): {
  status: number;
  body: { error: ReturnType<ProtocolError['toWire']> };
} {
  const known = error instanceof ProtocolError ? error : new ProtocolError('INTERNAL', String(error));
  return { status: known.code === 'INTERNAL' ? 500 : 409, body: { error: known.toWire() } };
}

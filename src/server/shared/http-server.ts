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
     * How a route is guarded. `open`: not at all; `secret`: by the secret of the REST API; `cluster`: by the signature of another
     * process. A route that declares nothing is not reached.
     */
    access?: 'open' | 'secret' | 'cluster';
  }
}

export interface HttpServerOptions {
  readonly log: Logger;
  /** It listens already. */
  readonly server: Server;
}

/** Bytes. Larger ones are refused before anybody knows who has sent them. */
const PUBLIC_BODY_LIMIT = 1024 * 1024;

/** A Fastify application on a server that listens already, with what all processes have in common. */
export function createApp({ log, server }: HttpServerOptions, bodyLimit: number): FastifyInstance {
  const options: FastifyHttpOptions<Server> = {
    // A line for every frame forwarded would drown what matters; errors are logged where they are handled.
    logController: new LogController({ disableRequestLogging: true }),
    loggerInstance: log as FastifyBaseLogger,
    bodyLimit,
    forceCloseConnections: true,
    // A key of this name in what a client sends is dropped; an error would hold up whoever shares the batch.
    onProtoPoisoning: 'remove',
    onConstructorPoisoning: 'remove',
    // Whatever is too long for a name is answered as a name that nobody has.
    routerOptions: { maxParamLength: 16 * 1024 },
    frameworkErrors: answerBadPath,
    serverFactory: (handler) => {
      // A router decodes what a guard has read as it was written, so only paths that all read alike get to it.
      server.on('request', withCheckedTargets(handler));
      server.on('clientError', answerClientError);
      return server;
    },
  };
  return fastify(options);
}

export interface PublicServerOptions extends HttpServerOptions {
  readonly identity: Identity;
  /** 200 ready, 503 draining or not ready. */
  readonly health: () => { readonly ready: boolean; readonly reason?: string };
}

/**
 * Serves clients, balancers and applications' servers: `/health`, and every route that declares how it is guarded. A route that
 * declares nothing is answered like one that does not exist.
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

/** The answer to a failed internal call: protocol errors keep their name across processes. */
export function internalFailure(error: unknown): {
  status: number;
  body: { error: ReturnType<ProtocolError['toWire']> };
} {
  const known = error instanceof ProtocolError ? error : new ProtocolError('INTERNAL', String(error));
  return { status: known.code === 'INTERNAL' ? 500 : 409, body: { error: known.toWire() } };
}

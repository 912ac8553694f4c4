import type { Server } from 'node:http';
import fastify, { type FastifyBaseLogger, type FastifyHttpOptions, type FastifyInstance, LogController } from 'fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { ProtocolError } from '../../protocol/errors.ts';
import { answerBadPath } from './bad-path.ts';
import { type Identity, internalKey, sameSecret } from './identity.ts';
import { INSTANCE_HEADER } from './internal-client.ts';
import type { Logger } from './logging.ts';

export interface HttpServer {
  readonly app: FastifyInstance;
  readonly metrics: Registry;
}

export interface HttpServerOptions {
  readonly identity: Identity;
  readonly secret: string;
  readonly log: Logger;
  /** 200 ready, 503 draining or not ready. */
  readonly health: () => { readonly ready: boolean; readonly reason?: string };
  /** Bytes; default 16 MB, as masters send each other batches. */
  readonly bodyLimit?: number;
  /** One that listens already; otherwise `app.listen` makes one. */
  readonly server?: Server;
}

/**
 * What every process serves: `/health`, `/metrics`, and `/internal/*` for the others of its cluster, which must show
 * the cluster's key and, where they name one, the right instance.
 */
export function createHttpServer({ identity, secret, log, health, bodyLimit, server }: HttpServerOptions): HttpServer {
  const options: FastifyHttpOptions<Server> = {
    // A line for every frame forwarded would drown what matters; errors are logged where they are handled.
    logController: new LogController({ disableRequestLogging: true }),
    loggerInstance: log as FastifyBaseLogger,
    bodyLimit: bodyLimit ?? 16 * 1024 * 1024,
    forceCloseConnections: true,
    // A key of this name in what a client sends is dropped; an error would hold up whoever shares the batch.
    onProtoPoisoning: 'remove',
    onConstructorPoisoning: 'remove',
    // Whatever is too long for a name is answered as a name that nobody has.
    routerOptions: { maxParamLength: 16 * 1024 },
    frameworkErrors: answerBadPath,
    ...(server
      ? {
          serverFactory: (handler) => {
            server.on('request', handler);
            return server;
          },
        }
      : {}),
  };
  const app: FastifyInstance = fastify(options);
  const metrics = new Registry();
  metrics.setDefaultLabels({ node: identity.id });
  collectDefaultMetrics({ register: metrics });

  app.get('/health', (_request, reply) => {
    const { ready, reason } = health();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', node: identity.id, reason });
  });
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));
  app.get('/internal/ping', () => ({ instance: identity.instance }));

  const key = `Bearer ${internalKey(secret)}`;
  app.addHook('onRequest', async (request, reply) => {
    if (!request.url.startsWith('/internal/')) return;
    if (!sameSecret(request.headers.authorization ?? '', key)) {
      await reply.code(401).send({ message: 'Processes of the cluster only: start them all with the same --secret.' });
      return;
    }
    const meant = request.headers[INSTANCE_HEADER];
    if (meant !== undefined && meant !== identity.instance) {
      await reply.code(421).send({ message: `This is ${identity.instance}, not ${String(meant)}.` });
    }
  });
  return { app, metrics };
}

/** The answer to a failed internal call: protocol errors keep their name across processes. */
export function internalFailure(error: unknown): {
  status: number;
  body: { error: ReturnType<ProtocolError['toWire']> };
} {
  const known = error instanceof ProtocolError ? error : new ProtocolError('INTERNAL', String(error));
  return { status: known.code === 'INTERNAL' ? 500 : 409, body: { error: known.toWire() } };
}

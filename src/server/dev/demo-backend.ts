import type { IncomingHttpHeaders } from 'node:http';
import { PassThrough } from 'node:stream';
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyBaseLogger, type FastifyError, LogController } from 'fastify';
import { renderSVG } from 'uqr';
import { isSessionId, type SessionId } from '../../protocol/ids.ts';
import type { Logger } from '../shared/logging.ts';
import { ClusterError } from './cluster-error.ts';
import type { ClusterView } from './cluster-view.ts';
import { DEMO_ERRORS, DemoError } from './demo-error.ts';
import type { DemoTokens } from './demo-tokens.ts';
import { PAGE_KEY_HEADER, PageKey } from './page-key.ts';
import { type IsOwnHost, isForeign, isSameOrigin } from './same-origin.ts';

export interface DemoBackendOptions {
  readonly view: ClusterView;
  readonly tokens: DemoTokens;
  /** Sends a signal to a node. @throws {ClusterError} NodeUnknown, NodeNotRunning */
  readonly kill: (id: string, signal: 'SIGKILL' | 'SIGTERM') => number;
  readonly isOwnHost: IsOwnHost;
  /** `guests`: pages on other machines, which may join rooms but neither end nodes nor moderate. */
  readonly pages: 'own' | 'guests';
  /** URLs of the guides for phones. Default: none. */
  readonly guides?: readonly string[];
  readonly log: Logger;
}

const TOKEN_BODY = Type.Object({
  room: Type.String(),
  name: Type.Optional(Type.String({ maxLength: 100 })),
  role: Type.Optional(Type.Union([Type.Literal('SUBSCRIBER'), Type.Literal('PUBLISHER'), Type.Literal('MODERATOR')])),
});
const CLUSTER_QUERY = Type.Object({ room: Type.Optional(Type.String()) });
const KILL_PARAMS = Type.Object({ id: Type.String() });
const KILL_BODY = Type.Union([
  Type.Null(),
  Type.Object({ signal: Type.Optional(Type.Union([Type.Literal('SIGKILL'), Type.Literal('SIGTERM')])) }),
]);

/** How often the state is compared with the last one sent. Changes of nodes are sent at once. */
const LOOK_MS = 200;
/** An unchanged state is sent again after this time, as a sign of life. */
const REPEAT_MS = 1_000;
const KEY_PATH = '/demo/api/page-key';
/** Bytes. The page's requests are small. */
const BODY_LIMIT = 16 * 1024;
/** How long a request may take to arrive, ms. */
const ARRIVAL_MS = 10_000;
const MOST_FEEDS = 200;

/**
 * The demo's own application server, behind `/demo/api/`. It gives out tokens, streams the state of the cluster, and kills nodes on
 * request. It answers only pages of the cluster: each request must name one of the cluster's hosts and carry the key of this run, which
 * only such a page can get.
 */
export class DemoBackend {
  readonly #options: DemoBackendOptions;
  readonly #pageKey = new PageKey();
  readonly #app;
  #feeds = 0;

  constructor(options: DemoBackendOptions) {
    this.#options = options;
    this.#app = fastify({
      logController: new LogController({ disableRequestLogging: true }),
      loggerInstance: options.log as FastifyBaseLogger,
      forceCloseConnections: true,
      bodyLimit: BODY_LIMIT,
      requestTimeout: ARRIVAL_MS,
    }).withTypeProvider<TypeBoxTypeProvider>();
    // Forms of other sites can send this type.
    this.#app.removeContentTypeParser('text/plain');
    this.#handleErrors();
    this.#guard();
    this.#registerRoutes();
  }

  async listen(port: number): Promise<void> {
    await this.#app.listen({ host: '127.0.0.1', port });
  }

  async close(): Promise<void> {
    await this.#app.close();
  }

  /** Refuses before the body is read, on every path. */
  #guard(): void {
    const { isOwnHost } = this.#options;
    this.#app.addHook('onRequest', async ({ headers, routeOptions }) => {
      if (isForeign(headers, isOwnHost)) {
        throw new DemoError(
          'NotSameOrigin',
          'Only a page of this cluster, at one of its own addresses, may send this request.',
        );
      }
      if (routeOptions.url === KEY_PATH || this.#pageKey.fits(headers[PAGE_KEY_HEADER])) return;
      throw new DemoError('PageKeyInvalid', `The header ${PAGE_KEY_HEADER} does not contain the key of this run.`);
    });
  }

  #registerRoutes(): void {
    const { tokens, kill, isOwnHost, guides = [] } = this.#options;
    const guests = this.#options.pages === 'guests';
    // A POST, because browsers send its origin even to an address without TLS.
    this.#app.post(KEY_PATH, async ({ headers }, reply) => {
      if (!isSameOrigin(headers, isOwnHost)) {
        throw new DemoError('NotSameOrigin', 'Only a browser on a page of this cluster may get its key.');
      }
      return reply.header('cache-control', 'no-store').send({ key: this.#pageKey.text });
    });

    this.#app.post('/demo/api/token', { schema: { body: TOKEN_BODY } }, async ({ body, headers }) => {
      const { name, role } = body;
      if (guests && role === 'MODERATOR') throw new DemoError('GuestRefused', 'Guests of the demo cannot moderate.');
      const token = await tokens.create({
        room: roomOf(body.room),
        ...(name === undefined ? {} : { name }),
        ...(role === undefined ? {} : { role }),
      });
      return { token: guests ? tokenAt(token, headers) : token };
    });

    this.#app.get('/demo/api/phones', async () => ({
      guides: guides.map((url) => ({ url, qr: renderSVG(url, { border: 2 }) })),
    }));

    this.#app.get('/demo/api/cluster', { schema: { querystring: CLUSTER_QUERY } }, async (request, reply) => {
      const room = request.query.room === undefined ? undefined : roomOf(request.query.room);
      if (this.#feeds >= MOST_FEEDS) {
        throw new DemoError('TooManyFeeds', `${MOST_FEEDS} pages already watch the cluster.`);
      }
      this.#feeds += 1;
      const stream = new PassThrough();
      stream.once('close', () => {
        this.#feeds -= 1;
      });
      this.#tell(stream, room);
      return reply.type('text/event-stream').header('cache-control', 'no-store').send(stream);
    });

    const killing = { schema: { params: KILL_PARAMS, body: KILL_BODY } };
    this.#app.post('/demo/api/nodes/:id/kill', killing, async ({ params, body, log }) => {
      if (guests) throw new DemoError('GuestRefused', 'Nodes can only be ended from the computer that runs the demo.');
      const signal = body?.signal ?? 'SIGKILL';
      const pid = kill(params.id, signal);
      log.info({ id: params.id, pid, signal }, 'Ended a node on request.');
      return { id: params.id, pid, signal };
    });
  }

  /** Writes the state to `stream` whenever it changes. */
  #tell(stream: PassThrough, room: SessionId | undefined): void {
    const { view, log, pages } = this.#options;
    let sent = '';
    let sentAt = 0;
    let looking = false;
    const look = async (): Promise<void> => {
      if (looking || stream.writableNeedDrain) return;
      looking = true;
      try {
        const where = room === undefined ? undefined : await view.room(room);
        const state = JSON.stringify({ nodes: view.nodes(), room: where, mayKill: pages === 'own' });
        if ((state === sent && performance.now() - sentAt < REPEAT_MS) || !stream.writable) return;
        sent = state;
        sentAt = performance.now();
        stream.write(`data: ${state}\n\n`);
      } catch (error) {
        log.warn({ err: error, session: room }, 'Failed to read the state of the cluster.');
      } finally {
        looking = false;
      }
    };
    const soon = (): void => void look();
    const timer = setInterval(soon, LOOK_MS);
    view.on('changed', soon);
    stream.on('close', () => {
      clearInterval(timer);
      view.off('changed', soon);
    });
    soon();
  }

  #handleErrors(): void {
    this.#app.setErrorHandler<FastifyError>((error, request, reply) => {
      const known = demoErrorOf(error);
      if (!known) {
        request.log.error({ err: error }, 'A request to the demo failed.');
        return reply.code(500).send({ error: 'Internal', message: error.message, action: 'Read the log of the demo.' });
      }
      const { status, action } = DEMO_ERRORS[known.name];
      if (status === 503) void reply.header('retry-after', 1);
      if (status >= 500) request.log.warn({ err: known }, known.message);
      return reply.code(status).send({ error: known.name, message: known.message, action });
    });
  }
}

/** Tokens contain the public URL. A guest must open its socket at the address of its page instead, which has been validated. */
function tokenAt(token: string, headers: IncomingHttpHeaders): string {
  const { host } = new URL(`https://${headers['x-forwarded-host'] ?? headers.host ?? ''}`);
  return token.replace(/^wss?:\/\/[^?]+/, `wss://${host}`);
}

function roomOf(text: string): SessionId {
  if (!isSessionId(text)) throw new DemoError('RoomNameInvalid', `"${text.slice(0, 140)}" is not a valid room name.`);
  return text;
}

function demoErrorOf(error: FastifyError | DemoError | ClusterError): DemoError | undefined {
  if (error instanceof DemoError) return error;
  if (error instanceof ClusterError && (error.name === 'NodeUnknown' || error.name === 'NodeNotRunning')) {
    return new DemoError(error.name, error.message);
  }
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500;
  return status < 500 ? new DemoError('RequestInvalid', error.message) : undefined;
}

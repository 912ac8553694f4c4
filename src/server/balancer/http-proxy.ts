import { Agent, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SOCKET_PATH } from '../../protocol/limits.ts';
import { clientAddress, countedAs, type TrustedProxies } from '../shared/client-address.ts';
import type { CorsOrigins } from '../shared/cors-origins.ts';
import { isUnder, pathOf } from '../shared/request-target.ts';
import { forwardedHeaders, isOwnHeader } from './forwarded.ts';
import { answerError, GATEWAY_FAILURES, type GatewayFailure } from './gateway-error.ts';
import { HeldBytes, type Share } from './held-bytes.ts';
import type { MasterPool } from './master-pool.ts';
import { readBody } from './request-body.ts';
import { askUpstream, readAnswer, UpstreamError } from './upstream.ts';

/** Paths that another server than a master answers. */
export interface Route {
  /** Without a trailing slash, e.g. `/demo/api`. The path is forwarded unchanged. */
  readonly prefix: string;
  /** Origin of the server, e.g. `http://127.0.0.1:1234`. */
  readonly url: string;
}

export interface HttpProxyOptions {
  readonly pool: Pick<MasterPool, 'rotation' | 'suspect' | 'lifeOf'>;
  readonly routes: readonly Route[];
  /** Time limit for an answer, ms, however many masters are tried. */
  readonly requestMs: number;
  readonly proxies: TrustedProxies;
  readonly corsOrigins: CorsOrigins;
  /** Called with the status of each answer. */
  readonly answered: (status: number) => void;
}

/** Prefix of the REST API. Masters get only these paths, besides sockets and goodbyes. */
const API_PATH = '/openvidu/api';
/** Limits for the bodies of requests and answers held at a time: for all clients, and per address. */
const HELD_BYTES = 64 * 1024 * 1024;
const HELD_BYTES_EACH = 16 * 1024 * 1024;
/** How long a client may take to read an answer held for it, ms. */
const READ_MS = 30_000;
/** Methods that may safely be executed twice. The same is true of a goodbye. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Headers of a single hop, which are not forwarded. The length of a body is set anew. */
const HOP_HEADERS = new Set([
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Forwards HTTP requests: the REST API to the masters in rotation, other routes to their servers, and nothing else. Every request gets an
 * HTTP answer: 502, 503 or 504 if no server answers.
 */
export class HttpProxy {
  readonly #options: HttpProxyOptions;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 128 });
  readonly #budget = new HeldBytes(HELD_BYTES, HELD_BYTES_EACH);
  readonly #shares = new WeakMap<IncomingMessage, Share>();
  /** Ends answers that never end by themselves. */
  readonly #closing = new AbortController();

  constructor(options: HttpProxyOptions) {
    this.#options = options;
  }

  async register(app: FastifyInstance): Promise<void> {
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) =>
        readBody(payload, this.#shareOf(request, undefined)),
      );
      scope.addHook('onRequest', async (request, reply) => void this.#shareOf(request, reply));
      scope.addHook('onResponse', async (_request, reply) => this.#options.answered(reply.statusCode));
      scope.addHook('onClose', async () => this.#agent.destroy());
      const toMasters = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
        this.#toMasters(request, reply);
      this.#serve(scope, API_PATH, toMasters);
      scope.post(SOCKET_PATH, toMasters);
      for (const { prefix, url } of this.#options.routes) {
        this.#serve(scope, prefix, (request, reply) => this.#toServer(request, reply, url));
      }
    });
  }

  /** Ends endless answers. Other requests are still answered. */
  close(): void {
    this.#closing.abort();
  }

  #serve(
    scope: FastifyInstance,
    prefix: string,
    handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
  ): void {
    // The router decodes the path, but it is forwarded as sent. So the raw path must be below the prefix.
    const exact = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> | undefined => {
      if (isUnder(pathOf(request.url), prefix)) return handler(request, reply);
      reply.callNotFound();
      return undefined;
    };
    scope.all(prefix, exact);
    scope.all(`${prefix}/*`, exact);
  }

  #shareOf({ raw }: FastifyRequest, reply: FastifyReply | undefined): Share {
    let share = this.#shares.get(raw);
    if (!share) {
      share = this.#budget.share(countedAs(clientAddress(raw, this.#options.proxies)));
      this.#shares.set(raw, share);
      reply?.raw.once('close', share.release);
    }
    return share;
  }

  async #toMasters(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const until = performance.now() + this.#options.requestMs;
    const gone = goneSignal(reply);
    let failure: GatewayFailure = 'unreachable';
    for (const master of this.#options.pool.rotation()) {
      const dead = this.#options.pool.lifeOf(master);
      try {
        const answering = await askUpstream({
          ...this.#passing(request, master),
          withinMs: Math.max(1, until - performance.now()),
          gone,
          dead,
        });
        // Read the whole answer first, so that the death of a master during it becomes a 502 instead of a truncated answer.
        const body = await readAnswer(answering, this.#shareOf(request, reply));
        const { statusCode = 502, headers } = answering.response;
        limitReading(reply);
        return reply
          .code(statusCode)
          .headers(passed(headers, request.method === 'HEAD'))
          .send(request.method === 'HEAD' ? undefined : body);
      } catch (error) {
        if (gone.aborted) return reply.hijack();
        if (!(error instanceof UpstreamError)) throw error;
        failure = error.failure;
        if (failure === 'unreachable' || failure === 'broken') this.#options.pool.suspect(master);
        // Try another master only if nothing was executed, or if executing it twice does no harm.
        const isRepeatable = SAFE_METHODS.has(request.method) || pathOf(request.url) === SOCKET_PATH;
        const harmless = isRepeatable && (failure === 'broken' || dead.aborted);
        if (failure !== 'unreachable' && !harmless) break;
      }
    }
    return this.#fail(reply, failure);
  }

  async #toServer(request: FastifyRequest, reply: FastifyReply, url: string): Promise<FastifyReply> {
    const gone = AbortSignal.any([goneSignal(reply), this.#closing.signal]);
    try {
      const { response, settle } = await askUpstream({
        ...this.#passing(request, url),
        withinMs: this.#options.requestMs,
        gone,
      });
      settle();
      const end = (): void => void response.destroy();
      gone.addEventListener('abort', end);
      response.on('close', () => gone.removeEventListener('abort', end));
      if (gone.aborted) end();
      const { statusCode = 502, headers } = response;
      return reply.code(statusCode).headers(passed(headers, true)).send(response);
    } catch (error) {
      if (reply.raw.destroyed) return reply.hijack();
      if (!(error instanceof UpstreamError)) throw error;
      return this.#fail(reply, error.failure);
    }
  }

  /** The parts of a request that are the same for every server. */
  #passing(request: FastifyRequest, server: string) {
    const { method, raw, url: target } = request;
    const body = request.body instanceof Buffer && request.body.length > 0 ? request.body : undefined;
    const headers: OutgoingHttpHeaders = {
      ...passed(raw.headers, false),
      ...forwardedHeaders(raw, this.#options.proxies),
      host: new URL(server).host,
    };
    if (body) headers['content-length'] = body.length;
    else if (!SAFE_METHODS.has(method)) headers['content-length'] = 0;
    return { server, agent: this.#agent, method, target, headers, body };
  }

  #fail(reply: FastifyReply, failure: GatewayFailure): FastifyReply {
    const { status, message } = GATEWAY_FAILURES[failure];
    return answerError(reply, status, message, this.#options.corsOrigins);
  }
}

/** Aborts when the client closes the connection before its answer is complete. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  const onClose = (): void => {
    if (!reply.raw.writableFinished) gone.abort();
  };
  if (reply.raw.destroyed) onClose();
  else reply.raw.once('close', onClose);
  return gone.signal;
}

/** Cuts off a client that doesn't read the answer held for it. */
function limitReading(reply: FastifyReply): void {
  const timer = setTimeout(() => reply.raw.destroy(), READ_MS).unref();
  reply.raw.once('close', () => clearTimeout(timer));
}

/** The end-to-end headers of a request or an answer. `withLength`: keep `content-length`, as the body is sent unchanged. */
function passed(headers: IncomingHttpHeaders, withLength: boolean): Record<string, string | string[]> {
  // `connection` may name further headers of this hop.
  const named = new Set((headers.connection ?? '').toLowerCase().split(/[\s,]+/));
  const kept: [string, string | string[]][] = [];
  for (const [name, value] of Object.entries(headers)) {
    const hop = HOP_HEADERS.has(name) && !(withLength && name === 'content-length');
    if (value !== undefined && !hop && !named.has(name) && !isOwnHeader(name)) kept.push([name, value]);
  }
  return Object.fromEntries(kept);
}

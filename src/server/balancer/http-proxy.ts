import { buffer } from 'node:stream/consumers';
import replyFrom, { type FastifyReplyFromHooks } from '@fastify/reply-from';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { forwardedHeaders } from './forwarded.ts';
import { GATEWAY_FAILURES, type GatewayFailure, gatewayErrorBody, RETRY_AFTER_SECONDS } from './gateway-error.ts';
import type { MasterPool } from './master-pool.ts';

/** A part of the paths that a server other than a master answers. */
export interface Route {
  /** Without a slash at its end, e.g. `/demo/api`. The path is passed on as it is. */
  readonly prefix: string;
  /** Origin of the server, e.g. `http://127.0.0.1:1234`. */
  readonly url: string;
}

export interface HttpProxyOptions {
  readonly pool: Pick<MasterPool, 'rotation' | 'suspect'>;
  readonly routes: readonly Route[];
  /** How long an answer may take, ms. */
  readonly requestMs: number;
  /** Told the status of each answer. */
  readonly answered: (status: number) => void;
}

/** Where the REST API is, at every master. */
const API_PATH = '/openvidu';
/** Bodies are kept until they are answered, so that another master can be asked. Those of the REST API are small. */
const BODY_LIMIT = 1024 * 1024;
const CONNECT_MS = 1_000;
/** The connection was never made, so the request cannot have been executed. */
const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const TIMED_OUT = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
/** Executing these twice does nothing that once does not. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const HOP_HEADERS = ['expect', 'http2-settings', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade'];

/**
 * Passes HTTP requests on: the REST API to the masters in rotation, routes to their servers. What comes back is always
 * an HTTP answer: 502, 503 or 504 when no server gave one.
 */
export class HttpProxy {
  readonly #options: HttpProxyOptions;
  /** Ends the endless answers. */
  readonly #closing = new AbortController();

  constructor(options: HttpProxyOptions) {
    this.#options = options;
  }

  async register(app: FastifyInstance): Promise<void> {
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT }, (_request, body, done) =>
        done(null, body),
      );
      await scope.register(replyFrom, {
        undici: {
          connections: 128,
          connect: { timeout: CONNECT_MS },
          headersTimeout: this.#options.requestMs,
          bodyTimeout: 0,
        },
        destroyAgent: true,
        disableRequestLogging: true,
      });
      scope.addHook('onResponse', async (_request, reply) => this.#options.answered(reply.statusCode));
      scope.all(`${API_PATH}/*`, (request, reply) => this.#toMasters(request, reply, this.#options.pool.rotation()));
      for (const { prefix, url } of this.#options.routes) {
        const toServer = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
          this.#toServer(request, reply, url);
        scope.all(prefix, toServer);
        scope.all(`${prefix}/*`, toServer);
      }
    });
  }

  /** Ends what streams without end. Other requests are answered. */
  close(): void {
    this.#closing.abort();
  }

  #toMasters(request: FastifyRequest, reply: FastifyReply, [master, ...others]: readonly string[]): FastifyReply {
    if (master === undefined) return fail(reply, 'unreachable');
    const onBroken = (error: unknown): void => {
      if (request.raw.socket.destroyed) return;
      const failure = failureOf(error);
      if (failure !== 'timeout') this.#options.pool.suspect(master);
      const again = failure === 'unreachable' || (failure === 'broken' && SAFE_METHODS.has(request.method));
      if (again) this.#toMasters(request, reply, others);
      else fail(reply, failure);
    };
    return reply.from(undefined, {
      ...passing(request, master),
      timeout: this.#options.requestMs,
      // The answer is gathered first, so that a master which dies in the middle of it makes a 502 and not a cut.
      onResponse: (_request, _reply, { stream }) =>
        void buffer(stream).then(
          (body) => reply.send(body),
          (error: unknown) => fail(reply, failureOf(error) === 'timeout' ? 'timeout' : 'broken'),
        ),
      onError: (_reply, { error }) => onBroken(error.cause ?? error),
    });
  }

  #toServer(request: FastifyRequest, reply: FastifyReply, url: string): FastifyReply {
    return reply.from(undefined, {
      ...passing(request, url),
      onResponse: (_request, _reply, { stream }) => {
        const end = (): void => void stream.destroy();
        this.#closing.signal.addEventListener('abort', end);
        stream.on('close', () => this.#closing.signal.removeEventListener('abort', end));
        if (this.#closing.signal.aborted) end();
        void reply.send(stream);
      },
      onError: (_reply, { error }) => void fail(reply, failureOf(error.cause ?? error)),
    });
  }
}

/** What is the same whoever gets the request. */
function passing(request: FastifyRequest, target: string): FastifyReplyFromHooks {
  const { body } = request;
  return {
    getUpstream: () => target,
    // Retries are decided here: only with another master, and only what was not executed.
    retryDelay: () => null,
    // These speak of the connection to the server, not of the client's, which may have asked for its end.
    rewriteHeaders: ({ connection: _connection, 'keep-alive': _keepAlive, ...headers }) => headers,
    rewriteRequestHeaders: (_request, headers) => {
      const kept = Object.entries(headers).filter(([name]) => !HOP_HEADERS.includes(name));
      return { ...Object.fromEntries(kept), ...forwardedHeaders(request.raw) };
    },
    // As it came: with a type given, it is not taken for something to encode.
    ...(body instanceof Buffer
      ? { body, contentType: request.headers['content-type'] ?? 'application/octet-stream' }
      : {}),
  };
}

function failureOf(error: unknown): GatewayFailure {
  const { code } = error as { code?: string };
  if (code !== undefined && NOT_CONNECTED.has(code)) return 'unreachable';
  return code !== undefined && TIMED_OUT.has(code) ? 'timeout' : 'broken';
}

function fail(reply: FastifyReply, failure: GatewayFailure): FastifyReply {
  const { status, message } = GATEWAY_FAILURES[failure];
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
  return (
    reply
      .code(status)
      .header('retry-after', RETRY_AFTER_SECONDS)
      // As the REST API itself allows, so that a page of another origin can read why.
      .header('access-control-allow-origin', '*')
      .send(gatewayErrorBody(status, message, reply.request.url.split('?', 1)[0] ?? ''))
  );
}

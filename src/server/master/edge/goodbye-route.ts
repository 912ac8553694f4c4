import type { FastifyInstance, FastifyReply } from 'fastify';
import { Compile } from 'typebox/compile';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Goodbye } from '../../../protocol/frames.ts';
import { SOCKET_PATH } from '../../../protocol/limits.ts';
import { clientAddress, type TrustedProxies } from '../../shared/client-address.ts';
import type { Logger } from '../../shared/logging.ts';
import { SampledLog } from '../../shared/sampled-log.ts';
import { GOODBYE } from './client-frames.ts';
import { GoodbyeRate } from './goodbye-rate.ts';
import type { Goodbyes } from './goodbyes.ts';

/** Enough for four names of at most 200 characters. */
const MOST_BYTES = 2_048;
const RETRY_AFTER_S = 1;
const VALIDATOR = Compile(GOODBYE);

export interface GoodbyeRouteParts {
  readonly goodbyes: Pick<Goodbyes, 'take'>;
  readonly proxies: TrustedProxies;
  /** Origins whose pages may say goodbye: the same that may open sockets. Default: any. */
  readonly allowedOrigins: readonly string[] | undefined;
  readonly log: Logger;
}

/**
 * `POST /rejoin`: the goodbye of a page that is closing and has no time for a socket. A beacon with text needs no preflight. The answer
 * says only whether the request was understood and in time, and reveals nothing about the connection.
 */
export function registerGoodbye(root: FastifyInstance, parts: GoodbyeRouteParts): void {
  const { goodbyes, proxies, allowedOrigins } = parts;
  const rate = new GoodbyeRate();
  const refusals = new SampledLog(parts.log, 1);
  void root.register(async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      'text/plain',
      { parseAs: 'string' },
      async (_request: unknown, body: string | Buffer) => body,
    );
    app.post(SOCKET_PATH, { config: { access: 'open' }, bodyLimit: MOST_BYTES }, async (request, reply) => {
      const { origin } = request.headers;
      if (allowedOrigins && origin !== undefined && !allowedOrigins.includes(origin)) {
        return refuse(
          reply,
          403,
          'Pages of this origin may not say goodbye here. Add the origin to --allowed-origins if they should.',
        );
      }
      const goodbye = parse(request.body);
      if (!goodbye)
        return refuse(reply, 400, 'Send { sessionId, uniqueSessionId, connectionId, resumeKey } as text/plain.');
      const ip = clientAddress(request.raw, proxies);
      try {
        const outcome = await rate.run(ip, () => goodbyes.take(goodbye));
        if (outcome === 'done') return reply.code(204).send();
        refusals.warn({ ip, outcome }, 'Refused goodbyes because too many come at once.');
        return refuse(reply, outcome === 'tooManyOfAddress' ? 429 : 503, 'Too many goodbyes. Try again in a second.');
      } catch (error) {
        if (!(error instanceof ProtocolError) || error.code !== 'UNAVAILABLE') throw error;
        return refuse(reply, 503, 'Neither the owner of the session nor the store answers. Try again in a second.');
      }
    });
  });
}

function parse(body: unknown): Goodbye | undefined {
  try {
    const goodbye: unknown = JSON.parse(String(body));
    return VALIDATOR.Check(goodbye) ? (goodbye as object as Goodbye) : undefined;
  } catch {
    return undefined;
  }
}

function refuse(reply: FastifyReply, status: 400 | 403 | 429 | 503, message: string): FastifyReply {
  if (status === 429 || status === 503) reply.header('retry-after', RETRY_AFTER_S);
  return reply.code(status).send({ timestamp: Date.now(), status, message });
}

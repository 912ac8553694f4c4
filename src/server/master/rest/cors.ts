import type { FastifyInstance } from 'fastify';
import { type CorsOrigins, corsHeaders } from '../../shared/cors-origins.ts';

/** For how long a browser remembers what it may ask, seconds. */
const PREFLIGHT_S = 3_600;
const METHODS = 'GET, POST, PATCH, DELETE';

/**
 * Lets pages of the listed origins use the API. Their preflight, which comes without credentials, is answered before anything
 * else; that of other origins is a request like any other, and refused.
 */
export function useCors(app: FastifyInstance, origins: CorsOrigins): void {
  app.addHook('onRequest', async ({ method, headers }, reply) => {
    const { origin } = headers;
    reply.headers(corsHeaders(origins, origin));
    const isPreflight = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
    if (!isPreflight || origin === undefined || !origins.includes(origin)) return;
    const asked = headers['access-control-request-headers'];
    return reply
      .code(204)
      .headers({ 'access-control-allow-methods': METHODS, 'access-control-max-age': String(PREFLIGHT_S) })
      .headers(asked === undefined ? {} : { 'access-control-allow-headers': asked })
      .send();
  });
}

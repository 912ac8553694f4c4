import type { FastifyInstance } from 'fastify';
import { type CorsOrigins, corsHeaders } from '../../shared/cors-origins.ts';

/** How long a browser may cache the answer to a preflight, seconds. */
const PREFLIGHT_S = 3_600;
const METHODS = 'GET, POST, PATCH, DELETE';

/**
 * Lets pages of the listed origins use the API. Their preflights carry no credentials, so they are answered before authorization.
 * Preflights of other origins are treated like any other request, and refused.
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

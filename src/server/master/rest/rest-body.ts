import type { FastifyInstance, FastifyRequest } from 'fastify';
import { notJson } from './rest-error.ts';

export const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Parses JSON bodies. A missing body is accepted with any content type, because every field may be optional. Routes without a body
 * schema ignore any body.
 */
export function readBodies(app: FastifyInstance): void {
  app.decorateRequest('bodyText', '');
  app.addHook('onRoute', (route) => {
    route.bodyLimit = MAX_BODY_BYTES;
  });
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (isNothing(request, body)) return done(null, undefined);
    request.bodyText = String(body);
    void parse(request, request.bodyText, done);
  });
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    if (isNothing(request, body)) return done(null, undefined);
    done(notJson());
  });
  // A missing body means all defaults.
  app.addHook('preValidation', async (request) => {
    if (request.method === 'POST' || request.method === 'PATCH') request.body ??= {};
  });
}

function isNothing({ routeOptions }: FastifyRequest, body: string | Buffer): boolean {
  return body.length === 0 || routeOptions.schema?.body === undefined;
}

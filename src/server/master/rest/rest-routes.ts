import cors from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sameSecret } from '../../shared/identity.ts';
import { registerConfigRoutes } from './config-routes.ts';
import { registerConnectionRoutes } from './connection-routes.ts';
import { registerHealthRoutes } from './health-routes.ts';
import { registerMediaNodeRoutes } from './media-node-routes.ts';
import { registerNodeRoutes } from './node-routes.ts';
import { serveOpenApi } from './openapi.ts';
import { API_PREFIX, type RestApp, type RestParts } from './rest-api.ts';
import { readBodies } from './rest-body.ts';
import { RestError, useRestErrors } from './rest-error.ts';
import { useValidation } from './rest-validation.ts';
import { registerSessionRoutes } from './session-routes.ts';
import { registerSignalRoutes } from './signal-routes.ts';
import { registerStreamRoutes } from './stream-routes.ts';
import { registerTokenRoutes } from './token-routes.ts';
import { registerUnsupportedRoutes } from './unsupported-routes.ts';

/** For how long a browser remembers what it may ask, seconds. */
const PREFLIGHT_S = 3_600;

/** `/openvidu/api`: what OpenVidu 2 serves there, and more, at any master. */
export function registerRestRoutes(root: FastifyInstance, parts: RestParts): void {
  void root.register(
    async (scope) => {
      const app: RestApp = scope.withTypeProvider();
      useRestErrors(app);
      app.addHook('onRoute', (route) => {
        // Whatever does not say that it is open asks for the secret.
        route.config = { access: 'secret', ...route.config };
      });
      await app.register(cors, {
        origin: '*',
        methods: ['GET', 'POST', 'PATCH', 'DELETE'],
        exposedHeaders: ['retry-after'],
        maxAge: PREFLIGHT_S,
      });
      app.addHook('onRequest', async (request) => {
        if (request.routeOptions.config.access === 'open' || parts.forwarded.isOn(request)) return;
        authorize(request, parts.secrets.accepted);
      });
      readBodies(app);
      useValidation(app);
      await serveOpenApi(app);
      registerSessionRoutes(app, parts);
      registerConnectionRoutes(app, parts);
      registerStreamRoutes(app, parts);
      registerTokenRoutes(app, parts);
      registerSignalRoutes(app, parts);
      registerNodeRoutes(app, parts);
      registerMediaNodeRoutes(app, parts);
      registerHealthRoutes(app, parts);
      registerConfigRoutes(app, parts);
      registerUnsupportedRoutes(app);
    },
    { prefix: API_PREFIX },
  );
}

function authorize(request: FastifyRequest, secrets: readonly string[]): void {
  const [, given = ''] = /^basic +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (!secrets.some((secret) => sameSecret(given, Buffer.from(`OPENVIDUAPP:${secret}`).toString('base64')))) {
    throw new RestError(
      401,
      'Wrong or no credentials. Use Basic auth with user OPENVIDUAPP and the secret of the cluster.',
    );
  }
}

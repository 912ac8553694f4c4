import type { FastifyInstance } from 'fastify';
import { useAuthorization } from './authorization.ts';
import { registerConfigRoutes } from './config-routes.ts';
import { registerConnectionRoutes } from './connection-routes.ts';
import { useCors } from './cors.ts';
import { registerHealthRoutes } from './health-routes.ts';
import { registerMediaNodeRoutes } from './media-node-routes.ts';
import { registerNodeRoutes } from './node-routes.ts';
import { serveOpenApi } from './openapi.ts';
import { API_PREFIX, type RestApp, type RestParts } from './rest-api.ts';
import { readBodies } from './rest-body.ts';
import { useRestErrors } from './rest-error.ts';
import { useValidation } from './rest-validation.ts';
import { registerSessionRoutes } from './session-routes.ts';
import { registerSignalRoutes } from './signal-routes.ts';
import { registerStreamRoutes } from './stream-routes.ts';
import { registerTokenRoutes } from './token-routes.ts';
import { registerUnsupportedRoutes } from './unsupported-routes.ts';

/** `/openvidu/api`: the REST API of OpenVidu 2 with extensions, at any master. */
export function registerRestRoutes(root: FastifyInstance, parts: RestParts): void {
  void root.register(
    async (scope) => {
      const app: RestApp = scope.withTypeProvider();
      useRestErrors(app);
      app.addHook('onRoute', (route) => {
        // Default deny: a route needs the secret unless it says that it is open.
        route.config = { access: 'secret', ...route.config };
      });
      useCors(app, parts.corsOrigins);
      useAuthorization(app, parts);
      readBodies(app);
      useValidation(app);
      await serveOpenApi(app, parts.publicUrl);
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

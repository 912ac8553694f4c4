import { Type } from 'typebox';
import { placeOptions, TOKEN_BODY } from './connection-properties.ts';
import { createPlace } from './connection-routes.ts';
import { IDEMPOTENCY_HEADERS } from './idempotency.ts';
import type { RestApp, RestParts } from './rest-api.ts';
import { error, route } from './route-schema.ts';
import { atOwner } from './session-access.ts';
import { tokenJson } from './session-json.ts';

const TOKEN = Type.Object(
  {
    id: Type.String({ description: 'The same as `token`.' }),
    token: Type.String({ description: 'The token for a single join of one participant.' }),
    session: Type.String(),
    connectionId: Type.String(),
    createdAt: Type.Integer({ description: 'Unix time, ms.' }),
    role: Type.String(),
    data: Type.String(),
    kurentoOptions: Type.Null(),
    expiresAt: Type.Integer({ description: 'Expiry. Unix time, ms. Not in OpenVidu.' }),
  },
  { additionalProperties: false, description: 'A token.' },
);

/** `POST /tokens`, OpenVidu's older way to create connections. */
export function registerTokenRoutes(app: RestApp, parts: RestParts): void {
  app.post(
    '/tokens',
    {
      schema: route(
        { body: TOKEN_BODY, headers: IDEMPOTENCY_HEADERS },
        {
          operationId: 'createToken',
          tags: ['sessions'],
          summary:
            'Create a connection, and answer with its token. In new code, use `POST /sessions/{sessionId}/connection`.',
          response: {
            200: TOKEN,
            400: error('A field is wrong; the message names it.'),
            404: error('There is no such session.'),
            422: error('The Idempotency-Key has already been used with another body.'),
            429: error('The session has the maximum number of connections.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const { session: sessionId } = request.body;
      return atOwner(parts, { sessionId, request, reply }, async (session) => {
        const place = await createPlace(session, placeOptions(request.body), parts.keys.of(request));
        return tokenJson(session, place, parts.socketUrl);
      });
    },
  );
}

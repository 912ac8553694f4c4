import { Type } from 'typebox';
import type { ConnectionId } from '../../../protocol/ids.ts';
import type { ConnectionRecord } from '../../store/store.ts';
import { changeConnection } from '../owner/connection-change.ts';
import type { PlaceNames, PlaceOptions } from '../owner/places.ts';
import type { OwnedSession } from '../owner/session.ts';
import { listOf, shared } from './answers.ts';
import { CONNECTION_BODY, CONNECTION_CHANGE, placeOptions } from './connection-properties.ts';
import { IDEMPOTENCY_HEADERS, type RepeatableRequest, requireSame } from './idempotency.ts';
import type { RestApp, RestParts } from './rest-api.ts';
import { empty, error, route } from './route-schema.ts';
import { atOwner, confirmOwned, findConnection } from './session-access.ts';
import { connectionsJson, type Json, list, memberJson, placeJson } from './session-json.ts';
import { SESSION_PARAMS } from './session-routes.ts';

const CONNECTION_PARAMS = Type.Object({ sessionId: Type.String(), connectionId: Type.String() });
const PENDING_QUERY = Type.Object({
  pendingConnections: Type.Optional(
    Type.Boolean({ description: 'Include connections that no client has joined yet. Default: true.' }),
  ),
});

export function registerConnectionRoutes(app: RestApp, parts: RestParts): void {
  const { socketUrl, keys } = parts;

  const json = (session: OwnedSession, connectionId: string): Json => {
    const found = findConnection(session, connectionId);
    return found.kind === 'member'
      ? memberJson(session, found.member)
      : placeJson(session, found.place.record, socketUrl);
  };

  app.post(
    '/sessions/:sessionId/connection',
    {
      schema: route(
        { params: SESSION_PARAMS, body: CONNECTION_BODY, headers: IDEMPOTENCY_HEADERS },
        {
          operationId: 'createConnection',
          tags: ['sessions'],
          summary: 'Create a connection, with a token for one participant.',
          description:
            'With an Idempotency-Key, a retry gets the connection that the first request created, as it was then.',
          response: {
            200: shared('Connection', 'The pending connection.'),
            400: error('A field is wrong; the message names it.'),
            404: error('There is no such session.'),
            422: error('The Idempotency-Key has already been used with another body.'),
            429: error('The session has the maximum number of connections.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const { sessionId } = request.params;
      return atOwner(parts, { sessionId, request, reply }, async (session) => {
        const place = await createPlace(session, placeOptions(request.body), keys.of(request));
        return placeJson(session, place, socketUrl);
      });
    },
  );

  app.get(
    '/sessions/:sessionId/connection',
    {
      schema: route(
        { params: SESSION_PARAMS, querystring: PENDING_QUERY },
        {
          operationId: 'listConnections',
          tags: ['sessions'],
          summary: 'List the connections of a session.',
          response: {
            200: listOf('Connection', 'The connections of the session.'),
            400: error('The query is wrong.'),
            404: error('There is no such session.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const { sessionId } = request.params;
      const pending = request.query.pendingConnections ?? true;
      return atOwner(parts, { sessionId, request, reply }, (session) =>
        list(connectionsJson(session, socketUrl, pending)),
      );
    },
  );

  app.get(
    '/sessions/:sessionId/connection/:connectionId',
    {
      schema: route(
        { params: CONNECTION_PARAMS },
        {
          operationId: 'getConnection',
          tags: ['sessions'],
          summary: 'Get a connection.',
          response: {
            200: shared('Connection', 'The connection.'),
            404: error('There is no such session, or no such connection in it.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const { sessionId, connectionId } = request.params;
      return atOwner(parts, { sessionId, request, reply }, (session) => json(session, connectionId));
    },
  );

  app.patch(
    '/sessions/:sessionId/connection/:connectionId',
    {
      schema: route(
        { params: CONNECTION_PARAMS, body: CONNECTION_CHANGE },
        {
          operationId: 'updateConnection',
          tags: ['sessions'],
          summary: 'Change the role of a connection.',
          description:
            'Fields that are missing or null do not change. Everyone in the session is told of a new role. If it is `SUBSCRIBER`, the ' +
            'streams of the participant end.',
          response: {
            200: shared('Connection', 'The connection after the change.'),
            400: error('A field is wrong; the message names it.'),
            404: error('There is no such session, or no such connection in it.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const { sessionId, connectionId } = request.params;
      const { role, record } = request.body;
      return atOwner(parts, { sessionId, request, reply }, async (session) => {
        findConnection(session, connectionId);
        await changeConnection(session, connectionId as ConnectionId, {
          ...(role ? { role } : {}),
          ...(typeof record === 'boolean' ? { record } : {}),
        });
        return json(session, connectionId);
      });
    },
  );

  app.delete(
    '/sessions/:sessionId/connection/:connectionId',
    {
      schema: route(
        { params: CONNECTION_PARAMS },
        {
          operationId: 'deleteConnection',
          tags: ['sessions'],
          summary: 'Evict a participant, or revoke the token of a pending connection.',
          response: {
            204: empty('The connection has ended.'),
            400: error('There is no such session.'),
            404: error('There is no such connection in the session.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const { sessionId, connectionId } = request.params;
      return atOwner(parts, { sessionId, request, reply, missing: 400 }, async (session) => {
        const found = findConnection(session, connectionId);
        if (found.kind === 'place') {
          await session.places.remove(found.place);
        } else {
          await confirmOwned(session, parts);
          await session.leave(found.member, 'forceDisconnectByServer');
        }
        return reply.code(204).send();
      });
    },
  );
}

/**
 * Creates a connection, or finds the one that the same request created before.
 * @throws {RestError} 422 when the key has already been used with another body
 */
export async function createPlace(
  session: OwnedSession,
  options: PlaceOptions,
  repeatable: RepeatableRequest | undefined,
): Promise<ConnectionRecord> {
  if (!repeatable) return session.places.create(options);
  const { asked, name } = repeatable;
  const { uniqueSessionId } = session.record;
  const names: PlaceNames = {
    connectionId: `con_${name(`connection in ${uniqueSessionId}`, 10)}` as ConnectionId,
    tokenSalt: name(`token in ${uniqueSessionId}`, 22),
    asked,
  };
  const place = await session.places.create(options, names);
  requireSame(place.asked, asked);
  return place;
}

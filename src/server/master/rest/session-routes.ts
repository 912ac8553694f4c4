import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { newSessionId, type SessionId } from '../../../protocol/ids.ts';
import { nodeIdOf } from '../../shared/identity.ts';
import { type SessionProperties, StoreError } from '../../store/store.ts';
import type { OwnedSession } from '../owner/session.ts';
import { listOf, shared } from './answers.ts';
import { IDEMPOTENCY_HEADERS, requireSame } from './idempotency.ts';
import type { RestApp, RestParts } from './rest-api.ts';
import { RestError } from './rest-error.ts';
import { empty, error, route } from './route-schema.ts';
import { type AnyRequest, atOwner, confirmOwned } from './session-access.ts';
import { list, sessionJson } from './session-json.ts';
import { propertiesOf, SESSION_BODY } from './session-properties.ts';

export const SESSION_PARAMS = Type.Object({ sessionId: Type.String() });
const PENDING_QUERY = Type.Object({
  pendingConnections: Type.Optional(
    Type.Boolean({ description: 'Include connections that no client has joined yet. Default: false.' }),
  ),
});
export function registerSessionRoutes(app: RestApp, parts: RestParts): void {
  const { sessions, locator, forwarder, socketUrl, keys } = parts;

  app.post(
    '/sessions',
    {
      schema: route(
        { body: SESSION_BODY, headers: IDEMPOTENCY_HEADERS },
        {
          operationId: 'createSession',
          tags: ['sessions'],
          summary: 'Create a session.',
          description: 'With an Idempotency-Key, a retry gets the session that the first request created.',
          response: {
            200: shared('Session', 'The session.'),
            400: error('A field is wrong; the message names it.'),
            404: error('There is no such media node.'),
            409: empty('A session of this id exists. Use it: create a connection in it.'),
            422: error('The Idempotency-Key has already been used with another body.'),
            501: error('A property is not supported; the message names it.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const { body } = request;
      if (!parts.accepts() && (await forwarder.toAnother(request, reply))) return reply;
      const repeatable = keys.of(request);
      const properties = propertiesOf(body, repeatable?.asked);
      const sessionId = (body.customSessionId ||
        (repeatable ? `ses_${repeatable.name('', 10)}` : newSessionId())) as SessionId;
      // Another request may create, or end, the same session at this moment.
      const until = performance.now() + forwarder.patienceMs;
      while (performance.now() < until) {
        const there = await existing(sessionId, properties, request, reply);
        if (there) return there === 'answered' ? reply : there === 'taken' ? reply.code(409).send() : there;
        requireMediaNode(properties.mediaNode);
        try {
          const session = await sessions.create(sessionId, body.failover ?? parts.failover, properties);
          return sessionJson(session, socketUrl, true);
        } catch (failure) {
          // Another request was faster: look at its result.
          if (!(failure instanceof StoreError && failure.code === 'exists')) throw failure;
        }
      }
      throw new RestError(503, `Session ${sessionId} keeps being created and ended. Try again in a moment.`);
    },
  );

  /** The answer if the session exists already. The lookup also settles sessions of a dead owner. */
  async function existing(
    sessionId: SessionId,
    { asked }: SessionProperties,
    request: AnyRequest,
    reply: FastifyReply,
  ): Promise<ReturnType<typeof sessionJson> | 'taken' | 'answered' | undefined> {
    if (!asked) return (await locator.locate(sessionId)).kind === 'nowhere' ? undefined : 'taken';
    const located = await forwarder.toOwner(locator, sessionId, request, reply);
    if (located.kind === 'nowhere') return undefined;
    if (located.kind === 'answered') return 'answered';
    return again(located.session, asked);
  }

  function again(session: OwnedSession, asked: NonNullable<SessionProperties['asked']>) {
    const made = session.record.properties.asked;
    if (made?.key !== asked.key) return 'taken';
    requireSame(made, asked);
    return sessionJson(session, socketUrl, true);
  }

  function requireMediaNode(id: string | undefined): void {
    if (id === undefined) return;
    const usable = parts.directory.live('media-node').filter(({ beat }) => beat?.ready !== false && !beat?.retires);
    const names = usable.map(({ instance }) => nodeIdOf(instance));
    if (names.some((name) => name === id)) return;
    throw new RestError(
      404,
      `There is no media node ${id} that takes sessions. There are: ${names.join(', ') || 'none'}.`,
    );
  }

  app.get(
    '/sessions',
    {
      schema: route(
        { querystring: PENDING_QUERY },
        {
          operationId: 'listSessions',
          tags: ['sessions'],
          summary: 'List the sessions of the cluster.',
          response: { 200: listOf('Session', 'All sessions.'), 400: error('The query is wrong.') },
        },
      ),
    },
    async (request) => {
      const pending = request.query.pendingConnections ?? false;
      const here = sessions.all().map((session) => sessionJson(session, socketUrl, pending));
      return list([...here, ...(await forwarder.listElsewhere(request))]);
    },
  );

  app.get(
    '/sessions/:sessionId',
    {
      schema: route(
        { params: SESSION_PARAMS, querystring: PENDING_QUERY },
        {
          operationId: 'getSession',
          tags: ['sessions'],
          summary: 'Get a session.',
          response: {
            200: shared('Session', 'The session.'),
            400: error('The query is wrong.'),
            404: error('There is no such session.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const { sessionId } = request.params;
      const pending = request.query.pendingConnections ?? false;
      return atOwner(parts, { sessionId, request, reply }, (session) => sessionJson(session, socketUrl, pending));
    },
  );

  app.delete(
    '/sessions/:sessionId',
    {
      schema: route(
        { params: SESSION_PARAMS },
        {
          operationId: 'closeSession',
          tags: ['sessions'],
          summary: 'End a session for everyone in it.',
          response: { 204: empty('The session has ended.'), 404: error('There is no such session.') },
        },
      ),
    },
    async (request, reply) => {
      const { sessionId } = request.params;
      return atOwner(parts, { sessionId, request, reply }, async (session) => {
        await confirmOwned(session, parts);
        await session.end('sessionClosedByServer');
        return reply.code(204).send();
      });
    },
  );
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, type TOptional, type TUnsafe, Type } from 'typebox';
import { isSessionId, newSessionId, type SessionId } from '../../../protocol/ids.ts';
import { sameSecret } from '../../shared/identity.ts';
import { type FailoverPolicy, StoreError } from '../../store/store.ts';
import type { Locator } from '../cluster/locator.ts';
import type { OwnedSession } from '../owner/session.ts';
import type { Sessions } from '../owner/sessions.ts';
import { type NodeRoutesOptions, registerNodeRoutes } from './node-routes.ts';
import { RestError, useRestErrors } from './rest-error.ts';
import type { RestForwarder } from './rest-forwarder.ts';
import { connectionsJson, type Json, list, memberJson, placeJson, sessionJson } from './session-json.ts';

export interface RestOptions {
  readonly secret: string;
  /** Origin for sockets that tokens carry, e.g. `wss://example.org`. */
  readonly socketOrigin: string;
  readonly failover: FailoverPolicy;
  readonly sessions: Sessions;
  readonly locator: Locator;
  readonly forwarder: RestForwarder;
  /** Whether sessions are begun here; a master that drains leaves that to others. */
  readonly accepts: () => boolean;
  readonly nodes: NodeRoutesOptions;
}

const MAX_BODY_BYTES = 1024 * 1024;

/** Clients send explicit nulls for what they leave at its default. */
type Nullable<T> = T | null;
const text = (most: number): Optional<string> => optional<string>({ type: ['string', 'null'], maxLength: most });
const word = <W extends string>(...words: W[]): Optional<W> => optional<W>({ enum: [...words, null] });

type Optional<T> = TOptional<TUnsafe<Nullable<T>>>;
function optional<T>(schema: Record<string, unknown>): Optional<T> {
  return Type.Optional(Type.Unsafe<Nullable<T>>(schema));
}

const SESSION_BODY = Type.Object({
  customSessionId: text(128),
  mediaMode: text(64),
  recordingMode: text(64),
  defaultRecordingProperties: optional<Json>({ type: ['object', 'null'] }),
  forcedVideoCodec: text(64),
  allowTranscoding: optional<boolean>({ type: ['boolean', 'null'] }),
  failover: text(64),
});
type SessionBody = Static<typeof SESSION_BODY>;

const CONNECTION_BODY = Type.Object({
  type: text(64),
  data: text(16_384),
  role: word('SUBSCRIBER', 'PUBLISHER', 'MODERATOR'),
  customIceServers: optional<unknown[]>({ type: ['array', 'null'], items: { type: 'object' }, maxItems: 16 }),
});
type ConnectionBody = Static<typeof CONNECTION_BODY>;

const PENDING_QUERY = Type.Object({ pendingConnections: Type.Optional(Type.Boolean()) });
type PendingQuery = Static<typeof PENDING_QUERY>;

interface SessionParams {
  readonly sessionId: string;
}
interface ConnectionParams extends SessionParams {
  readonly connectionId: string;
}

/** `/openvidu/api`: sessions and their connections, as OpenVidu 2 serves them, at any master. */
export function registerRestRoutes(root: FastifyInstance, options: RestOptions): void {
  void root.register(
    async (app) => {
      useRestErrors(app);
      app.addHook('onRequest', async (request, reply) => {
        reply.header('access-control-allow-origin', '*');
        authorize(request, options.secret);
      });
      app.addHook('onRoute', (route) => {
        route.bodyLimit = MAX_BODY_BYTES;
      });
      const parse = app.getDefaultJsonParser('error', 'error');
      app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
        if (body.length === 0) done(null, undefined);
        else void parse(request, String(body), done);
      });
      // No body means every default.
      app.addHook('preValidation', async (request) => {
        if (request.method === 'POST') request.body ??= {};
      });
      registerSessions(app, options);
      registerConnections(app, options);
      registerNodeRoutes(app, options.nodes);
    },
    { prefix: '/openvidu/api' },
  );
}

function authorize(request: FastifyRequest, secret: string): void {
  const expected = `Basic ${Buffer.from(`OPENVIDUAPP:${secret}`).toString('base64')}`;
  if (!sameSecret(request.headers.authorization ?? '', expected)) {
    throw new RestError(
      401,
      'Wrong or no credentials. Use Basic auth with user OPENVIDUAPP and the secret of the cluster.',
    );
  }
}

function noSession(sessionId: string): RestError {
  return new RestError(
    404,
    `There is no session ${sessionId.slice(0, 128)}. Create it with POST /openvidu/api/sessions.`,
  );
}

/** The session, if it is owned here; otherwise its owner has answered the request already, or there is none. */
async function ownedHere(
  { locator, forwarder }: RestOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<OwnedSession | undefined> {
  const { sessionId } = request.params as SessionParams;
  if (!isSessionId(sessionId)) throw noSession(sessionId);
  const answer = await forwarder.toOwner(locator, sessionId, request, reply);
  if (answer.kind === 'nowhere') throw noSession(sessionId);
  return answer.kind === 'here' ? answer.session : undefined;
}

function registerSessions(app: FastifyInstance, options: RestOptions): void {
  const { sessions, locator, forwarder, socketOrigin } = options;

  app.post('/sessions', { schema: { body: SESSION_BODY } }, async (request, reply) => {
    if (!options.accepts() && (await forwarder.toAnother(request, reply))) return reply;
    const body = request.body as SessionBody;
    const sessionId = body.customSessionId || newSessionId();
    if (!isSessionId(sessionId)) {
      throw new RestError(400, 'customSessionId has other characters than a-z A-Z 0-9 _ -, or more than 128 of them.');
    }
    const failover = body.failover ?? options.failover;
    if (failover !== 'rebuild' && failover !== 'takeover') {
      const given = String(failover).slice(0, 40);
      throw new RestError(400, `There is no failover policy "${given}". Use "rebuild" or "takeover".`);
    }
    // Looking first settles what a dead owner has left on the books.
    if ((await locator.locate(sessionId as SessionId)).kind !== 'nowhere') throw exists(sessionId);
    try {
      const session = await sessions.create(sessionId as SessionId, failover, body);
      return sessionJson(session, socketOrigin, true);
    } catch (error) {
      if (error instanceof StoreError && error.code === 'exists') throw exists(sessionId);
      throw error;
    }
  });

  app.get<{ Querystring: PendingQuery }>('/sessions', { schema: { querystring: PENDING_QUERY } }, async (request) => {
    const pending = request.query.pendingConnections ?? false;
    const here = sessions.all().map((session) => sessionJson(session, socketOrigin, pending));
    return list([...here, ...(await forwarder.listElsewhere(request))]);
  });

  app.get<{ Querystring: PendingQuery }>(
    '/sessions/:sessionId',
    { schema: { querystring: PENDING_QUERY } },
    async (request, reply) => {
      const session = await ownedHere(options, request, reply);
      return session ? sessionJson(session, socketOrigin, request.query.pendingConnections ?? false) : reply;
    },
  );

  app.delete('/sessions/:sessionId', async (request, reply) => {
    const session = await ownedHere(options, request, reply);
    if (!session) return reply;
    await session.end('sessionClosedByServer');
    return reply.code(204).send();
  });
}

function exists(sessionId: string): RestError {
  return new RestError(409, `Session ${sessionId} exists already. Use it: create a connection in it.`);
}

function registerConnections(app: FastifyInstance, options: RestOptions): void {
  const { socketOrigin } = options;

  app.post('/sessions/:sessionId/connection', { schema: { body: CONNECTION_BODY } }, async (request, reply) => {
    const session = await ownedHere(options, request, reply);
    if (!session) return reply;
    const { type, role, data, customIceServers } = request.body as ConnectionBody;
    if (type && type !== 'WEBRTC') {
      throw new RestError(
        400,
        `Connections of type ${type.slice(0, 40)} are not supported. Use type WEBRTC, or leave it out.`,
      );
    }
    const place = await session.createPlace({
      role: role ?? 'PUBLISHER',
      serverData: data ?? '',
      customIceServers: customIceServers ?? [],
    });
    return placeJson(place, socketOrigin);
  });

  app.get<{ Querystring: PendingQuery }>(
    '/sessions/:sessionId/connection',
    { schema: { querystring: PENDING_QUERY } },
    async (request, reply) => {
      const session = await ownedHere(options, request, reply);
      return session ? list(connectionsJson(session, socketOrigin, request.query.pendingConnections ?? true)) : reply;
    },
  );

  app.get<{ Params: ConnectionParams }>('/sessions/:sessionId/connection/:connectionId', async (request, reply) => {
    const session = await ownedHere(options, request, reply);
    return session ? find(session, request.params.connectionId, socketOrigin).json : reply;
  });

  app.delete<{ Params: ConnectionParams }>('/sessions/:sessionId/connection/:connectionId', async (request, reply) => {
    const session = await ownedHere(options, request, reply);
    if (!session) return reply;
    const found = find(session, request.params.connectionId, socketOrigin);
    if (found.kind === 'member') session.leave(found.member, 'forceDisconnectByServer');
    else await session.removePlace(found.place);
    return reply.code(204).send();
  });
}

type Found =
  | { kind: 'member'; json: Json; member: Parameters<OwnedSession['leave']>[0] }
  | { kind: 'place'; json: Json; place: Parameters<OwnedSession['removePlace']>[0] };

function find(session: OwnedSession, connectionId: string, origin: string): Found {
  for (const member of session.members.values()) {
    if (member.id === connectionId) return { kind: 'member', json: memberJson(session, member), member };
  }
  for (const { record } of session.pending.values()) {
    if (record.connectionId === connectionId) return { kind: 'place', json: placeJson(record, origin), place: record };
  }
  throw new RestError(404, `Session ${session.record.sessionId} has no connection ${connectionId.slice(0, 64)}.`);
}

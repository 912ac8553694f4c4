import { setTimeout as delay } from 'node:timers/promises';
import { Type } from 'typebox';
import type { RetireAnswer, RetireBody } from '../../media-node/retirement.ts';
import { nodeIdOf } from '../../shared/identity.ts';
import type { SessionRecord } from '../../store/store.ts';
import type { ListedNode } from '../cluster/directory.ts';
import { listOf, shared } from './answers.ts';
import { askNode, drain } from './node-routes.ts';
import type { RestApp, RestParts } from './rest-api.ts';
import { RestError } from './rest-error.ts';
import { empty, error, route } from './route-schema.ts';
import { type Json, list } from './session-json.ts';

/** How long `wait` waits; who waits for it, as balancers do, must wait longer. */
const WAIT_MS = 8_000;
const LOOK_MS = 50;
/** A day, to all intents for as long as it takes: for those who want a node to end only when it carries nothing. */
const UNHURRIED_MS = 86_400_000;

const MEDIA_NODE_PARAMS = Type.Object({ mediaNodeId: Type.String() });
const DELETION = Type.Object({
  wait: Type.Optional(
    Type.Unsafe<'' | 'true' | 'false'>({
      enum: ['', 'true', 'false'],
      description: 'Answer only when it has ended, or after 8 s. By itself it means true. Default: false.',
    }),
  ),
  'deletion-strategy': Type.Optional(
    Type.Unsafe<'now' | 'if-no-sessions' | 'when-no-sessions'>({
      enum: ['now', 'if-no-sessions', 'when-no-sessions'],
      description:
        '`now`: its sessions move to other media nodes within the time that its --drain-deadline gives, and what could not move ' +
        'is lost. `when-no-sessions`: the same, but it waits until all have moved or ended. `if-no-sessions`, the default: only ' +
        'if it carries none.',
    }),
  ),
});
const STATUS = Type.Object({
  status: Type.Unsafe<'running' | 'waiting-idle-to-terminate' | 'terminating'>({
    enum: ['running', 'waiting-idle-to-terminate', 'terminating'],
    description:
      '`waiting-idle-to-terminate`: it takes no new sessions, and ends when those it carries have ended. `running`: not any ' +
      'more. `terminating`: as the deletion strategy `now`.',
  }),
});

/** `/media-nodes`, as OpenVidu Enterprise has them. */
export function registerMediaNodeRoutes(app: RestApp, parts: RestParts): void {
  app.get(
    '/media-nodes',
    {
      schema: route(
        {},
        {
          operationId: 'listMediaNodes',
          tags: ['cluster'],
          summary: 'List the media nodes.',
          response: { 200: listOf('MediaNode', 'All media nodes.') },
        },
      ),
    },
    async () => {
      const sessions = await parts.store.listSessions({});
      return list(mediaNodes(parts).map((node) => mediaNodeJson(node, sessions)));
    },
  );

  app.get(
    '/media-nodes/:mediaNodeId',
    {
      schema: route(
        { params: MEDIA_NODE_PARAMS },
        {
          operationId: 'getMediaNode',
          tags: ['cluster'],
          summary: 'Get a media node.',
          response: { 200: shared('MediaNode', 'The media node.'), 404: error('There is no such media node.') },
        },
      ),
    },
    async ({ params }) => {
      const node = find(parts, params.mediaNodeId);
      return mediaNodeJson(node, await parts.store.listSessions({ mediaNode: node.instance }));
    },
  );

  app.post(
    '/media-nodes',
    {
      schema: route(
        {},
        {
          operationId: 'createMediaNode',
          tags: ['cluster'],
          summary: 'Not supported: start one where it is to run.',
          response: { 501: error('Not supported.') },
        },
      ),
    },
    () => {
      throw new RestError(
        501,
        'This server cannot launch machines. Start "rejoin media-node" on one, with the same --store and --secret: it is used ' +
          'as soon as it runs.',
      );
    },
  );

  app.delete(
    '/media-nodes/:mediaNodeId',
    {
      schema: route(
        { params: MEDIA_NODE_PARAMS, querystring: DELETION },
        {
          operationId: 'deleteMediaNode',
          tags: ['cluster'],
          summary: 'End a media node.',
          response: {
            202: shared('MediaNode', 'It is about to end.'),
            204: empty('It has ended.'),
            400: error('The query is wrong.'),
            404: error('There is no such media node.'),
            409: error('It carries sessions, and was to end only if it does not.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const node = findLive(parts, request.params.mediaNodeId);
      const { wait = 'false', 'deletion-strategy': strategy = 'if-no-sessions' } = request.query;
      if (node.beat?.ready !== false) await end(parts, node, strategy);
      if (await hasEnded(parts, node, wait === 'false' ? 0 : WAIT_MS)) return reply.code(204).send();
      const sessions = await parts.store.listSessions({ mediaNode: node.instance });
      return reply.code(202).send({ ...mediaNodeJson(node, sessions), status: 'terminating' });
    },
  );

  app.patch(
    '/media-nodes/:mediaNodeId',
    {
      schema: route(
        { params: MEDIA_NODE_PARAMS, body: STATUS },
        {
          operationId: 'updateMediaNode',
          tags: ['cluster'],
          summary: 'Change what a media node is about.',
          response: {
            200: shared('MediaNode', 'The media node as it is now.'),
            400: error('There is no such status to choose.'),
            404: error('There is no such media node.'),
            409: error('It is about to end, and cannot be called back.'),
          },
        },
      ),
    },
    async (request) => {
      const node = findLive(parts, request.params.mediaNodeId);
      const { status } = request.body;
      if (node.beat?.ready === false && status !== 'terminating') {
        throw new RestError(409, 'This media node is terminating and cannot be called back. Start another one.');
      }
      if (status === 'terminating') {
        if (node.beat?.ready !== false) await drain(parts, node, {});
      } else {
        await retire(parts, node, { retire: status === 'waiting-idle-to-terminate' });
      }
      const sessions = await parts.store.listSessions({ mediaNode: node.instance });
      return { ...mediaNodeJson(node, sessions), status };
    },
  );
}

/** @throws {RestError} 409 when it carries sessions and was to end only if it does not */
async function end(
  parts: RestParts,
  node: ListedNode,
  strategy: 'now' | 'if-no-sessions' | 'when-no-sessions',
): Promise<void> {
  if (strategy === 'now') return drain(parts, node, {});
  if (strategy === 'when-no-sessions') return drain(parts, node, { deadlineMs: UNHURRIED_MS });
  const { rooms } = await retire(parts, node, { retire: true, onlyIfIdle: true });
  if (rooms === 0) return;
  throw new RestError(
    409,
    `The media node ${nodeIdOf(node.instance)} carries ${rooms} session${rooms === 1 ? '' : 's'}. Use ` +
      'deletion-strategy=when-no-sessions, which moves them away.',
  );
}

function retire(parts: RestParts, node: ListedNode, body: RetireBody): Promise<RetireAnswer> {
  return askNode<RetireAnswer>(parts, node, '/internal/retire', body);
}

async function hasEnded({ directory }: RestParts, { instance }: ListedNode, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (directory.find(instance)) {
    if (performance.now() > until) return false;
    await delay(LOOK_MS);
  }
  return true;
}

function mediaNodes({ directory }: RestParts): ListedNode[] {
  return directory.listed('media-node').sort((a, b) => (a.instance < b.instance ? -1 : 1));
}

function find(parts: RestParts, id: string): ListedNode {
  const all = mediaNodes(parts);
  const found = all.find(({ instance }) => nodeIdOf(instance) === id);
  if (found) return found;
  const known = all.map(({ instance }) => nodeIdOf(instance)).join(', ');
  throw new RestError(404, `There is no media node ${id.slice(0, 64)}. There are: ${known || 'none'}.`);
}

/** @throws {RestError} 404, 503 when it should be there and is not heard */
function findLive(parts: RestParts, id: string): ListedNode {
  const node = find(parts, id);
  if (node.times) return node;
  throw new RestError(
    503,
    `The media node ${nodeIdOf(node.instance)} is not heard at this moment. Try again in a moment.`,
  );
}

function mediaNodeJson({ instance, url, beat, times }: ListedNode, sessions: readonly SessionRecord[]): Json {
  return {
    id: nodeIdOf(instance),
    object: 'mediaNode',
    environmentId: instance,
    ip: new URL(url).hostname,
    uri: url,
    launchingTime: times?.startedAt ?? null,
    connected: times !== undefined,
    connectionTime: times?.heardSince ?? null,
    load: Math.min(100, Math.round((beat?.load ?? 0) * 100) / 100),
    status: statusOf(beat, times !== undefined),
    sessions: sessions
      .filter(({ mediaNode }) => mediaNode === instance)
      .map(({ sessionId, createdAt }) => ({ id: sessionId, object: 'session', sessionId, createdAt })),
    recordingIds: [],
  };
}

function statusOf(beat: ListedNode['beat'], isHeard: boolean): string {
  if (!beat) return isHeard ? 'launching' : 'failed';
  if (!beat.ready) return 'terminating';
  return beat.retires ? 'waiting-idle-to-terminate' : 'running';
}

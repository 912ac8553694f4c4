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

/** How long `wait` waits. Clients and balancers need longer timeouts than this. */
const WAIT_MS = 8_000;
const LOOK_MS = 50;
/** A day, which in practice is no deadline: for ending a node only when it carries nothing. */
const UNHURRIED_MS = 86_400_000;

const MEDIA_NODE_PARAMS = Type.Object({ mediaNodeId: Type.String() });
const DELETION = Type.Object({
  wait: Type.Optional(
    Type.Unsafe<'' | 'true' | 'false'>({
      enum: ['', 'true', 'false'],
      description: 'Answer only when the node has ended, or after 8 s. Without a value: true. Default: false.',
    }),
  ),
  'deletion-strategy': Type.Optional(
    Type.Unsafe<'now' | 'if-no-sessions' | 'when-no-sessions'>({
      enum: ['now', 'if-no-sessions', 'when-no-sessions'],
      description:
        '`now`: moves its sessions to other media nodes within its --drain-deadline; what could not move by then is lost. ' +
        '`when-no-sessions`: the same, but waits until all sessions have moved or ended. `if-no-sessions` (default): ends the ' +
        'node only if it carries none.',
    }),
  ),
});
const STATUS = Type.Object({
  status: Type.Unsafe<'running' | 'waiting-idle-to-terminate' | 'terminating'>({
    enum: ['running', 'waiting-idle-to-terminate', 'terminating'],
    description:
      '`waiting-idle-to-terminate`: takes no new sessions and ends when its present ones have ended. `running`: cancels that. ' +
      '`terminating`: like the deletion strategy `now`.',
  }),
});

/** `/media-nodes`, as in OpenVidu Enterprise. */
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
          summary: 'Not supported: start a media node on its machine instead.',
          response: { 501: error('Not supported.') },
        },
      ),
    },
    () => {
      throw new RestError(
        501,
        'This server cannot launch machines. Start "rejoin media-node" on one with the same --store and --secret: masters use it ' +
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
            202: shared('MediaNode', 'The media node is ending.'),
            204: empty('The media node has ended.'),
            400: error('The query is wrong.'),
            404: error('There is no such media node.'),
            409: error('The media node carries sessions, so the strategy `if-no-sessions` does not end it.'),
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
          summary: 'Change the status of a media node.',
          response: {
            200: shared('MediaNode', 'The media node after the change.'),
            400: error('The status cannot be set to this value.'),
            404: error('There is no such media node.'),
            409: error('The media node is ending, which cannot be cancelled.'),
          },
        },
      ),
    },
    async (request) => {
      const node = findLive(parts, request.params.mediaNodeId);
      const { status } = request.body;
      if (node.beat?.ready === false && status !== 'terminating') {
        throw new RestError(409, 'This media node is terminating, which cannot be cancelled. Start another one.');
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

/** Ends the node by the chosen strategy. @throws {RestError} 409 when it carries sessions and `strategy` is `if-no-sessions` */
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
      'deletion-strategy=when-no-sessions, which moves them to other media nodes.',
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

/** @throws {RestError} 404; 503 when the node should be there but is not heard */
function findLive(parts: RestParts, id: string): ListedNode {
  const node = find(parts, id);
  if (node.times) return node;
  throw new RestError(
    503,
    `The media node ${nodeIdOf(node.instance)} does not answer at the moment. Try again in a moment.`,
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

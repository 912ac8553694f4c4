import { Type } from 'typebox';
import type { DrainBody } from '../../shared/drain-route.ts';
import { nodeIdOf } from '../../shared/identity.ts';
import { PeerError } from '../../shared/internal-client.ts';
import type { LiveNode } from '../cluster/directory.ts';
import { listOf, shared } from './answers.ts';
import type { RestApp, RestParts } from './rest-api.ts';
import { RestError } from './rest-error.ts';
import { error, route } from './route-schema.ts';
import { type Json, list } from './session-json.ts';

/** An hour, which is far more than moving sessions takes. */
const MAX_DEADLINE_MS = 3_600_000;

const NODE_PARAMS = Type.Object({ nodeId: Type.String() });
const DRAIN_BODY = Type.Object({
  deadlineMs: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_DEADLINE_MS,
      description: 'How long the drain may take, ms. Default: the node’s own --drain-deadline.',
    }),
  ),
});

interface Node extends LiveNode {
  readonly role: 'master' | 'media-node';
}

/**
 * `/nodes`: the living masters and media nodes. `POST /nodes/ID/drain` makes a node hand over its sessions and end. It answers 202 at
 * once; the drain is complete when the node is no longer listed.
 */
export function registerNodeRoutes(app: RestApp, parts: RestParts): void {
  app.get(
    '/nodes',
    {
      schema: route(
        {},
        {
          operationId: 'listNodes',
          tags: ['cluster'],
          summary: 'List the living masters and media nodes.',
          response: { 200: listOf('Node', 'All nodes.') },
        },
      ),
    },
    () => list(nodes(parts).map(nodeJson)),
  );

  app.get(
    '/nodes/:nodeId',
    {
      schema: route(
        { params: NODE_PARAMS },
        {
          operationId: 'getNode',
          tags: ['cluster'],
          summary: 'Get a node.',
          response: { 200: shared('Node', 'The node.'), 404: error('There is no living node of this id.') },
        },
      ),
    },
    ({ params }) => nodeJson(find(parts, params.nodeId)),
  );

  app.post(
    '/nodes/:nodeId/drain',
    {
      schema: route(
        { params: NODE_PARAMS, body: DRAIN_BODY },
        {
          operationId: 'drainNode',
          tags: ['cluster'],
          summary: 'Make a node hand over its sessions, and end.',
          description: 'No session is lost. The drain is complete when the node is no longer listed.',
          response: {
            202: shared('Node', 'The drain has begun.'),
            400: error('A field is wrong; the message names it.'),
            404: error('There is no living node of this id.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const node = find(parts, request.params.nodeId);
      const { deadlineMs } = request.body;
      await drain(parts, node, deadlineMs === undefined ? {} : { deadlineMs });
      return reply.code(202).send({ ...nodeJson(node), status: 'draining' });
    },
  );
}

/** Makes a node hand over its sessions, and end. @throws {RestError} 503 */
export async function drain(parts: RestParts, node: LiveNode, body: DrainBody): Promise<void> {
  await askNode(parts, node, '/internal/drain', body);
}

/** Calls an internal route of a node. @throws {RestError} 503 when the node does not answer */
export async function askNode<T>(
  { client, timing }: RestParts,
  { url, instance }: LiveNode,
  path: string,
  body: unknown,
): Promise<T> {
  try {
    return await client.call<T>(`${url}${path}`, instance, body, timing.peerCallMs);
  } catch (failure) {
    if (!(failure instanceof PeerError)) throw failure;
    throw new RestError(503, `The node ${nodeIdOf(instance)} does not answer. Try again in a moment.`);
  }
}

function nodes({ self, beat, directory }: RestParts): Node[] {
  const own: Node = { instance: self.instance, url: self.url, beat: beat(), isDoubted: false, role: 'master' };
  const masters = directory.live('master').map((node): Node => ({ ...node, role: 'master' }));
  const mediaNodes = directory.live('media-node').map((node): Node => ({ ...node, role: 'media-node' }));
  return [own, ...masters, ...mediaNodes].sort((a, b) => (a.instance < b.instance ? -1 : 1));
}

function find(parts: RestParts, nodeId: string): Node {
  const all = nodes(parts);
  const found = all.find(({ instance }) => nodeIdOf(instance) === nodeId);
  if (found) return found;
  const known = all.map(({ instance }) => nodeIdOf(instance)).join(', ');
  throw new RestError(404, `There is no living node ${nodeId.slice(0, 64)}. There are: ${known}.`);
}

function nodeJson({ instance, role, beat }: Node): Json {
  return {
    ...beat?.facts,
    id: nodeIdOf(instance),
    object: 'node',
    role,
    status: statusOf(beat),
    load: Math.round(beat?.load ?? 0),
  };
}

function statusOf(beat: LiveNode['beat']): string {
  if (!beat) return 'starting';
  if (!beat.ready) return 'draining';
  return beat.retires ? 'retiring' : 'running';
}

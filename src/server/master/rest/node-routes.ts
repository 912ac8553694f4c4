import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { DrainBody } from '../../shared/drain-route.ts';
import type { Identity } from '../../shared/identity.ts';
import { nodeIdOf } from '../../shared/identity.ts';
import { type InternalClient, PeerError } from '../../shared/internal-client.ts';
import type { Timing } from '../../shared/timing.ts';
import type { Directory, LiveNode } from '../cluster/directory.ts';
import { RestError } from './rest-error.ts';
import { type Json, list } from './session-json.ts';

export interface NodeRoutesOptions {
  readonly self: Identity;
  /** This master as the others see it. */
  readonly beat: () => LiveNode['beat'];
  readonly directory: Directory;
  readonly client: InternalClient;
  readonly timing: Timing;
}

/** An hour: who waits longer than that does not wait for sessions to move. */
const MAX_DEADLINE_MS = 3_600_000;

const DRAIN_BODY = Type.Object({
  deadlineMs: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_DEADLINE_MS })),
});

interface Node extends LiveNode {
  readonly role: 'master' | 'media-node';
}

/**
 * `/nodes`: the masters and media nodes that are alive, and `POST /nodes/ID/drain`, which makes one hand over what it has and
 * end. Answered with 202 when it has begun; it is done when the node is not listed any more.
 */
export function registerNodeRoutes(app: FastifyInstance, options: NodeRoutesOptions): void {
  app.get('/nodes', () => list(nodes(options).map(nodeJson)));
  app.get<{ Params: { nodeId: string } }>('/nodes/:nodeId', ({ params }) => nodeJson(find(options, params.nodeId)));

  app.post<{ Params: { nodeId: string } }>(
    '/nodes/:nodeId/drain',
    { schema: { body: DRAIN_BODY } },
    async (request, reply) => {
      const node = find(options, request.params.nodeId);
      const { deadlineMs } = request.body as Static<typeof DRAIN_BODY>;
      const body: DrainBody = deadlineMs === undefined ? {} : { deadlineMs };
      const { client, timing } = options;
      try {
        await client.call(`${node.url}/internal/drain`, node.instance, body, timing.peerCallMs);
      } catch (error) {
        if (!(error instanceof PeerError)) throw error;
        throw new RestError(503, `The node ${request.params.nodeId} does not answer. Try again in a moment.`);
      }
      return reply.code(202).send({ ...nodeJson(node), status: 'draining' });
    },
  );
}

function nodes({ self, beat, directory }: NodeRoutesOptions): Node[] {
  const own: Node = { instance: self.instance, url: self.url, beat: beat(), role: 'master' };
  const masters = directory.live('master').map((node): Node => ({ ...node, role: 'master' }));
  const mediaNodes = directory.live('media-node').map((node): Node => ({ ...node, role: 'media-node' }));
  return [own, ...masters, ...mediaNodes].sort((a, b) => (a.instance < b.instance ? -1 : 1));
}

function find(options: NodeRoutesOptions, nodeId: string): Node {
  const all = nodes(options);
  const found = all.find(({ instance }) => nodeIdOf(instance) === nodeId);
  if (found) return found;
  const known = all.map(({ instance }) => nodeIdOf(instance)).join(', ');
  throw new RestError(404, `There is no node ${nodeId.slice(0, 64)} alive. There are: ${known}.`);
}

function nodeJson({ instance, role, beat }: Node): Json {
  return {
    id: nodeIdOf(instance),
    object: 'node',
    role,
    status: beat === undefined ? 'starting' : beat.ready ? 'running' : 'draining',
    load: Math.round(beat?.load ?? 0),
    ...beat?.facts,
  };
}

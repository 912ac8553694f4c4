import type { FastifyInstance } from 'fastify';
import { ProtocolError } from '../../../protocol/errors.ts';
import { internalFailure } from '../../shared/http-server.ts';
import type { Directory } from '../cluster/directory.ts';
import type { Edge } from '../edge/edge.ts';
import type { Sessions } from '../owner/sessions.ts';
import type { AttachBody, BatchAnswer, BatchBody, Links } from './links.ts';
import {
  type AttachAnswer,
  type Downward,
  edgeOf,
  type GoodbyeAnswer,
  type GoodbyeBody,
  type Upward,
} from './ports.ts';

export interface InternalParts {
  readonly sessions: Sessions;
  readonly edge: Edge;
  readonly links: Links;
  readonly directory: Directory;
}

/** The routes that masters call on each other. */
export function registerInternalRoutes(
  app: FastifyInstance,
  { sessions, edge, links, directory }: InternalParts,
): void {
  app.post<{ Body: AttachBody }>('/internal/attach', async (call, reply): Promise<AttachAnswer | undefined> => {
    try {
      const { request } = call.body;
      const from = edgeOf(request.attachment);
      // An edge may speak only for its own sockets.
      if (from !== call.caller) throw new ProtocolError('NOT_PERMITTED', `${call.caller} attaches for ${from}`);
      // Refused for now, because this master wouldn't notice the death of an edge that it cannot reach.
      if (directory.isUnreachable(from)) {
        throw new ProtocolError('UNAVAILABLE', 'the owner of the session cannot reach this edge');
      }
      const edgeNode = directory.find(from);
      if (!edgeNode) {
        directory.heardOf(from);
        return { kind: 'notOwner' };
      }
      return await sessions.attach(request, links.edge(from, edgeNode.url));
    } catch (error) {
      const { status, body: answer } = internalFailure(error);
      await reply.code(status).send(answer);
      return undefined;
    }
  });

  app.post<{ Body: GoodbyeBody }>('/internal/goodbye', async ({ body }): Promise<GoodbyeAnswer> => {
    return { kind: await sessions.farewell(body.goodbye) };
  });

  app.post<{ Body: BatchBody<Upward> }>('/internal/up', ({ body }): BatchAnswer => {
    const unknown = body.items.filter((item) => !sessions.up(item) && !('gone' in item));
    return { unknown: [...new Set(unknown.map(({ attachment }) => attachment))] };
  });

  app.post<{ Body: BatchBody<Downward> }>('/internal/down', ({ body }): BatchAnswer => {
    const unknown = body.items.filter((item) => !edge.tryDown(item));
    return { unknown: [...new Set(unknown.map(({ attachment }) => attachment))] };
  });
}

import { Type } from 'typebox';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { StreamId } from '../../../protocol/ids.ts';
import type { RestApp, RestParts } from './rest-api.ts';
import { RestError } from './rest-error.ts';
import { empty, error, route } from './route-schema.ts';
import { atOwner, confirmOwned } from './session-access.ts';

const STREAM_PARAMS = Type.Object({ sessionId: Type.String(), streamId: Type.String() });

export function registerStreamRoutes(app: RestApp, parts: RestParts): void {
  app.delete(
    '/sessions/:sessionId/stream/:streamId',
    {
      schema: route(
        { params: STREAM_PARAMS },
        {
          operationId: 'deleteStream',
          tags: ['sessions'],
          summary: 'End a stream. Its publisher stays in the session.',
          response: {
            204: empty('The stream has ended.'),
            400: error('There is no such session.'),
            404: error('There is no such stream in the session.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const { sessionId, streamId } = request.params;
      return atOwner(parts, { sessionId, request, reply, missing: 400 }, async (session) => {
        try {
          session.streams.find(streamId as StreamId);
          await confirmOwned(session, parts);
          await session.streams.endByForce(streamId as StreamId, 'forceUnpublishByServer');
        } catch (failure) {
          if (!(failure instanceof ProtocolError && failure.code === 'STREAM_UNKNOWN')) throw failure;
          throw new RestError(
            404,
            `Session ${sessionId} has no stream ${streamId.slice(0, 64)}. GET its connections to see their publishers.`,
          );
        }
        return reply.code(204).send();
      });
    },
  );
}

import type { FastifyInstance } from 'fastify';
import { ProtocolError } from '../../protocol/errors.ts';
import { internalFailure } from './http-server.ts';

export interface DrainBody {
  /** How long the drain may take, ms. Default: the process's --drain-deadline. */
  readonly deadlineMs?: number;
}

/** Makes this process hand over its sessions and end, as SIGTERM does. */
export type RequestDrain = (deadlineMs: number | undefined) => void;

/** `POST /internal/drain`: answers at once. The drain is complete when the process ends. */
export function registerDrain(app: FastifyInstance, drain: RequestDrain | undefined): void {
  app.post<{ Body: DrainBody }>('/internal/drain', async ({ body }, reply) => {
    if (!drain) {
      const { status, body: answer } = internalFailure(
        new ProtocolError('UNAVAILABLE', 'this process is part of another program, which ends it'),
      );
      return reply.code(status).send(answer);
    }
    // Wait until the answer is sent: a process without sessions ends at once.
    reply.raw.once('close', () => drain(body.deadlineMs));
    return {};
  });
}

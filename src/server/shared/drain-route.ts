import type { FastifyInstance } from 'fastify';
import { ProtocolError } from '../../protocol/errors.ts';
import { internalFailure } from './http-server.ts';

export interface DrainBody {
  /** How long it may take, ms. Default: what the process was started with. */
  readonly deadlineMs?: number;
}

/** Asks this process to hand over what it has and to end, as SIGTERM does. */
export type RequestDrain = (deadlineMs: number | undefined) => void;

/** `POST /internal/drain`: answered at once; that the process ends is the sign that it is done. */
export function registerDrain(app: FastifyInstance, drain: RequestDrain | undefined): void {
  app.post<{ Body: DrainBody }>('/internal/drain', async ({ body }, reply) => {
    if (!drain) {
      const { status, body: answer } = internalFailure(
        new ProtocolError('UNAVAILABLE', 'this process is part of another program, which ends it'),
      );
      return reply.code(status).send(answer);
    }
    // One that has nothing to hand over ends at once, and would take the answer with it.
    reply.raw.once('close', () => drain(body.deadlineMs));
    return {};
  });
}

import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { type CorsOrigins, corsHeaders } from '../shared/cors-origins.ts';
import { pathOf } from '../shared/request-target.ts';

/** The body of the balancer's own errors, with the fields of the REST API's errors. */
export interface GatewayErrorBody {
  /** Unix time, ms. */
  readonly timestamp: number;
  readonly status: number;
  /** Name of the status, e.g. `Bad Gateway`. */
  readonly error: string;
  /** Says what happened and what to do. */
  readonly message: string;
  readonly path: string;
}

export function gatewayErrorBody(status: number, message: string, path: string): GatewayErrorBody {
  return { timestamp: Date.now(), status, error: STATUS_CODES[status] ?? 'Error', message, path };
}

/** Why no server answered, as status and message. In each case the client should try again. */
export const GATEWAY_FAILURES = {
  unreachable: { status: 503, message: 'No server can be reached at the moment. Try again in a second.' },
  broken: { status: 502, message: 'The server broke off during this request. Try again.' },
  timeout: { status: 504, message: 'The server did not answer in time. Try again.' },
  full: { status: 503, message: 'The answer is too large to forward at the moment. Try again in a second.' },
} as const;

export type GatewayFailure = keyof typeof GATEWAY_FAILURES;

/** `Retry-After`, seconds. By then a crashed master is out of rotation, or back. */
export const RETRY_AFTER_SECONDS = 1;

const TRY_AGAIN: ReadonlySet<number> = new Set([502, 503, 504]);

/** Answers in place of a server. Pages of the origins that the REST API allows can read the reason. */
export function answerError(reply: FastifyReply, status: number, message: string, origins: CorsOrigins): FastifyReply {
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
  if (TRY_AGAIN.has(status)) reply.header('retry-after', RETRY_AFTER_SECONDS);
  return reply
    .code(status)
    .headers(corsHeaders(origins, reply.request.headers.origin))
    .send(gatewayErrorBody(status, message, pathOf(reply.request.url)));
}

import { STATUS_CODES } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { ProtocolError } from '../../../protocol/errors.ts';
import { StoreError } from '../../store/store.ts';

/** An unsuccessful answer of the REST API. `message` says what happened and what to do. */
export class RestError extends Error {
  override readonly name = 'RestError';
  readonly status: number;
  /** Seconds until a retry makes sense, where that differs from the default of this status. */
  readonly retryAfterS: number | undefined;

  constructor(status: number, message: string, retryAfterS?: number) {
    super(message);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** The body of every error, with OpenVidu's fields. */
export interface RestErrorBody {
  /** Unix time, ms. */
  readonly timestamp: number;
  readonly status: number;
  readonly error: string;
  readonly message: string;
  readonly path: string;
}

/** Default of `Retry-After`, seconds. */
export const RETRY_AFTER_S = '1';
/** Anyone can cause these in any number, so they are logged where they occur, and sampled. */
const BY_STRANGERS: ReadonlySet<number> = new Set([401, 429]);

function toRestError(error: unknown): RestError {
  if (error instanceof RestError) return error;
  if (error instanceof StoreError) {
    return new RestError(
      503,
      'The store does not answer. Try again in a moment; sessions in progress are not affected.',
    );
  }
  if (error instanceof ProtocolError && (error.code === 'OUTBOX_OVERFLOW' || error.code === 'LIMIT_REACHED')) {
    return new RestError(429, `${error.code}: ${error.message} ${error.action}`);
  }
  if (error instanceof ProtocolError) {
    const status = error.code === 'UNAVAILABLE' || error.code === 'EPOCH_STALE' ? 503 : 400;
    return new RestError(status, `${error.message} ${error.action}`);
  }
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string };
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY' || code === 'FST_ERR_CTP_EMPTY_JSON_BODY') {
    return new RestError(400, `The body is not JSON (${message}). Send a JSON object, or leave out the content type.`);
  }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new RestError(413, 'The body is larger than 1 MB. Send less.');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return notJson();
  if (statusCode && statusCode < 500)
    return new RestError(statusCode, `${message?.replace(/\.$/, '')}. Correct the request.`);
  return new RestError(500, 'The server failed unexpectedly. Try again; if it repeats, look for the error in its log.');
}

export function notJson(): RestError {
  return new RestError(415, 'The body is not JSON. Send it with content-type: application/json.');
}

/** Turns every failure of the routes of `app` into an error of the REST API. */
export function useRestErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const known = toRestError(error);
    const line = { err: error, method: request.method, url: request.url, status: known.status };
    if (known.status === 500) request.log.error(line, 'A REST request failed.');
    else if (known.status === 501) request.log.info(line, 'Refused a REST request for an unsupported feature.');
    else if (!BY_STRANGERS.has(known.status)) request.log.warn(line, 'Refused a REST request.');
    if (known.retryAfterS !== undefined) reply.header('retry-after', known.retryAfterS);
    else if (known.status === 503 || known.status === 429) reply.header('retry-after', RETRY_AFTER_S);
    if (known.status === 401) reply.header('www-authenticate', 'Basic realm="Rejoin"');
    const body: RestErrorBody = {
      timestamp: Date.now(),
      status: known.status,
      error: STATUS_CODES[known.status] ?? 'Error',
      message: known.message,
      path: request.url.split('?')[0] ?? '',
    };
    return reply.code(known.status).send(body);
  });
  app.setNotFoundHandler((request) => {
    throw new RestError(404, `There is no ${request.method} ${request.url.split('?')[0]} in this API. Check the path.`);
  });
}

import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';

/** Answers a request whose path is unreadable and so has no route, with the fields of the REST API's errors. */
export function answerBadPath(
  { code, message, statusCode: status = 400 }: FastifyError,
  request: Pick<FastifyRequest, 'url'>,
  reply: Pick<FastifyReply, 'raw'>,
): void {
  const body = {
    timestamp: Date.now(),
    status,
    error: STATUS_CODES[status],
    message:
      code === 'FST_ERR_BAD_URL'
        ? 'The path cannot be read: a % in it is not followed by two hex digits of UTF-8. Percent-encode the names in it.'
        : message,
    path: request.url.split('?')[0],
  };
  reply.raw.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}

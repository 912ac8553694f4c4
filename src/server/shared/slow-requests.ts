import { type ServerOptions, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** How long a client may take to send a whole request, headers and body, ms. Requests are small. */
export const REQUEST_DEADLINE_MS = 10_000;

/**
 * Deadlines for receiving a request, for `createServer`. They end with its last byte: long answers, such as liveness streams, and
 * upgraded sockets have their own deadlines.
 */
export const SLOW_REQUESTS = {
  requestTimeout: REQUEST_DEADLINE_MS,
  headersTimeout: REQUEST_DEADLINE_MS,
  connectionsCheckingInterval: 1_000,
} as const satisfies ServerOptions;

const REFUSALS: Readonly<Record<string, readonly [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [
    408,
    `The request did not arrive within ${REQUEST_DEADLINE_MS / 1_000} s. Send it faster.`,
  ],
  HPE_HEADER_OVERFLOW: [431, 'The headers are too large. Send fewer or shorter ones.'],
};
const MALFORMED = [400, 'The request is not valid HTTP/1.1. Send a well-formed request.'] as const;

/** Handles `clientError` of a server: answers data that isn't a valid request, and closes the connection. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const [status, message] = REFUSALS[error.code ?? ''] ?? MALFORMED;
    const body = JSON.stringify({ timestamp: Date.now(), status, error: STATUS_CODES[status], message, path: '' });
    const headers = `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}`;
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}\r\nconnection: close\r\n\r\n${body}`);
  }
  socket.destroy();
}

import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { LIMITS, SOCKET_PATH } from '../../../protocol/limits.ts';
import { cleanUserAgent, clientAddress, type TrustedProxies } from '../../shared/client-address.ts';
import type { Logger } from '../../shared/logging.ts';
import { prefixLeft } from '../../shared/prefix-left.ts';
import { pathOf, targetFault, targetFaultBody } from '../../shared/request-target.ts';
import { SampledLog } from '../../shared/sampled-log.ts';
import type { Edge } from './edge.ts';
import { type Newcomer, Newcomers } from './newcomers.ts';

/** The library cuts off a frame far over the limit; a frame slightly over it gets a named error. */
const MAX_PAYLOAD_BYTES = LIMITS.frameBytes + 16 * 1024;
/** How many pieces a frame or message may arrive in. Each piece costs more than its bytes. */
const MAX_PIECES = 1_024;
/** How long a client may take to answer a close before it is cut, ms. */
const CLOSE_MS = 3_000;
/** Options that the library has but its types lack. */
const BOUNDS = { maxFragments: MAX_PIECES, maxBufferedChunks: MAX_PIECES, closeTimeout: CLOSE_MS };
/** Seconds after which a client that was refused for lack of room may try again. */
const RETRY_AFTER_S = 1;
const LOG_BURST = 20;

export interface SocketServerOptions {
  readonly edge: Pick<Edge, 'accept'>;
  readonly proxies: TrustedProxies;
  /** Origins whose pages may open sockets; `null` is the origin of pages that have none. Default: any. */
  readonly allowedOrigins: readonly string[] | undefined;
  readonly log: Logger;
}

/** Why an upgrade was refused. */
interface Refusal {
  readonly status: 400 | 403 | 404 | 503;
  readonly message: string;
}

/** Accepts clients' sockets, checks their origin and address, and passes them to the edge. */
export function acceptSockets(server: Server, { edge, proxies, allowedOrigins, log }: SocketServerOptions): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    ...BOUNDS,
  });
  const newcomers = new Newcomers();
  const refusals = new SampledLog(log, LOG_BURST);
  server.on('upgrade', (request, socket, head) => {
    // At an upgrade, Node removes its own listener, and a reset without a listener would end the process.
    socket.on('error', () => socket.destroy());
    const ip = clientAddress(request, proxies);
    const wrong = faultOf(request, allowedOrigins);
    const newcomer = wrong ? undefined : newcomers.admit(ip);
    if (wrong || !newcomer) {
      const refusal = wrong ?? TOO_MANY;
      refusals.warn({ ip, status: refusal.status, reason: refusal.message }, 'Refused a socket.');
      return refuse(socket, request, refusal);
    }
    socket.once('close', newcomer.leave);
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const heard = countUntilHello(ws, socket, newcomer);
      edge.accept(ws, { ip, platform: cleanUserAgent(request.headers['user-agent']) }, heard);
    });
  });
}

const TOO_MANY: Refusal = {
  status: 503,
  message: 'Too many sockets have not said hello yet. Try again in a second.',
};

function faultOf(request: IncomingMessage, allowedOrigins: readonly string[] | undefined): Refusal | undefined {
  const target = request.url ?? '';
  const fault = targetFault(target);
  if (fault) return { status: 400, message: targetFaultBody(fault, target).message };
  const path = pathOf(target);
  if (path !== SOCKET_PATH) {
    return { status: 404, message: prefixLeft(path) ?? `There are no sockets at this path. Use ${SOCKET_PATH}.` };
  }
  const { origin } = request.headers;
  // Programs other than browsers send no origin, and could send any.
  if (!allowedOrigins || origin === undefined || allowedOrigins.includes(origin)) return undefined;
  return {
    status: 403,
    message: 'Pages of this origin may not open sockets here. Add the origin to --allowed-origins if they should.',
  };
}

/** Counts what a socket sends before its hello. Call the result at the hello. */
function countUntilHello(ws: WebSocket, socket: Duplex, newcomer: Newcomer): () => void {
  const count = (chunk: Buffer): void => {
    if (!newcomer.received(chunk.length)) ws.terminate();
  };
  socket.on('data', count);
  return () => {
    socket.off('data', count);
    newcomer.leave();
  };
}

function refuse(socket: Duplex, { url = '' }: IncomingMessage, { status, message }: Refusal): void {
  const error = STATUS_CODES[status] ?? '';
  const body = JSON.stringify({ timestamp: Date.now(), status, error, message, path: pathOf(url).slice(0, 256) });
  const headers = [
    'connection: close',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    ...(status === 503 ? [`retry-after: ${RETRY_AFTER_S}`] : []),
  ];
  // Otherwise a client that doesn't close its end would keep the socket open.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${error}\r\n${headers.join('\r\n')}\r\n\r\n${body}`);
}

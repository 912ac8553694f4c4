import { request as httpRequest, type IncomingMessage, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { SOCKET_PATH } from '../../protocol/limits.ts';
import type { TrustedProxies } from '../shared/client-address.ts';
import type { Logger } from '../shared/logging.ts';
import { prefixLeft } from '../shared/prefix-left.ts';
import { pathOf, targetFault, targetFaultBody } from '../shared/request-target.ts';
import { SampledLog } from '../shared/sampled-log.ts';
import { forwardedHeaders, isOwnHeader } from './forwarded.ts';
import { GATEWAY_FAILURES, gatewayErrorBody, RETRY_AFTER_SECONDS } from './gateway-error.ts';
import type { MasterPool } from './master-pool.ts';
import { Tunnel } from './tunnel.ts';
import { CONNECT_MS } from './upstream.ts';

export interface UpgradeProxyOptions {
  readonly pool: Pick<MasterPool, 'rotation' | 'suspect' | 'lifeOf'>;
  readonly proxies: TrustedProxies;
  readonly log: Logger;
  /** How long a master may take to accept an upgrade before the next is tried, ms. */
  readonly handshakeMs: number;
  /** Called with the status of each answer. */
  readonly answered: (status: number) => void;
}

interface Upgraded {
  readonly kind: 'upgraded';
  readonly response: IncomingMessage;
  readonly upstream: Socket;
  /** Data that the master sent right after its answer. */
  readonly head: Buffer;
}

/** A master's answer to an upgrade. */
type Answer = Upgraded | { readonly kind: 'answered'; readonly response: IncomingMessage };

class HandshakeTimeout extends Error {
  override readonly name = 'HandshakeTimeout';
}

const LOG_BURST = 20;
/** Most characters of an unknown path that are logged. */
const MOST_LOGGED = 256;

/** Headers of a single hop, which don't fit an answer that ends with the connection. */
const HOP_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

/**
 * Forwards WebSocket upgrades to the masters in rotation. A master does nothing for a client before its first frame, so after any
 * failure before the upgrade the next master is tried. After it, the balancer only moves bytes.
 */
export class UpgradeProxy {
  readonly #options: UpgradeProxyOptions;
  readonly #tunnels = new Set<Tunnel>();
  readonly #refusals: SampledLog;
  #closed = false;

  constructor(options: UpgradeProxyOptions) {
    this.#options = options;
    this.#refusals = new SampledLog(options.log, LOG_BURST);
  }

  /** The number of sockets open through this balancer. */
  get tunnels(): number {
    return this.#tunnels.size;
  }

  /** Takes an 'upgrade' event of the HTTP server. */
  async handle(request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    client.on('error', () => client.destroy());
    const target = request.url ?? '';
    const path = pathOf(target);
    const fault = targetFault(target);
    if (fault) {
      this.#refuse(client, path, 400, targetFaultBody(fault, target).message);
      return;
    }
    if (!(client instanceof Socket) || path !== SOCKET_PATH) {
      const message = prefixLeft(path) ?? `There is no WebSocket at this path. Use ${SOCKET_PATH}.`;
      // Browsers don't show a page why its socket was refused, so the reason is logged.
      this.#refusals.warn({ path: path.slice(0, MOST_LOGGED), reason: message }, 'Refused a socket.');
      this.#refuse(client, path, 404, message);
      return;
    }
    if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined) {
      this.#refuse(client, path, 400, 'A WebSocket upgrade cannot have a body. Send it without one.');
      return;
    }
    let failure: 'unreachable' | 'timeout' = 'unreachable';
    for (const master of this.#options.pool.rotation()) {
      const dead = this.#options.pool.lifeOf(master);
      try {
        const answer = await this.#ask(master, request, client, dead);
        if (answer.kind === 'upgraded') return this.#join(client, head, answer, dead);
        // 503: this master drains or isn't ready yet, but others may be.
        if (answer.response.statusCode !== 503) return this.#relay(client, answer.response);
        answer.response.destroy();
      } catch (error) {
        if (client.destroyed) return;
        this.#options.log.warn({ master, err: error }, 'A master did not take an upgrade.');
        this.#options.pool.suspect(master);
        failure = error instanceof HandshakeTimeout ? 'timeout' : 'unreachable';
      }
    }
    const { status, message } = GATEWAY_FAILURES[failure];
    this.#refuse(client, path, status, message);
  }

  /** Closes the open sockets, after the data in flight. */
  close(): void {
    this.#closed = true;
    for (const tunnel of this.#tunnels) tunnel.close();
  }

  #ask(master: string, request: IncomingMessage, client: Socket, dead: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const attempt = httpRequest(master, {
        agent: false,
        method: request.method,
        path: request.url,
        headers: upgradeHeaders(request, this.#options.proxies),
      });
      const giveUp = (): void => {
        client.destroy();
        attempt.destroy(new Error('The client has gone.'));
      };
      client.once('end', giveUp).once('close', giveUp);
      const late = (): void => void attempt.destroy(new HandshakeTimeout());
      const timer = setTimeout(late, this.#options.handshakeMs);
      const connecting = setTimeout(late, Math.min(CONNECT_MS, this.#options.handshakeMs));
      dead.addEventListener('abort', late);
      const settle = (): void => {
        client.off('end', giveUp).off('close', giveUp);
        clearTimeout(timer);
        clearTimeout(connecting);
        dead.removeEventListener('abort', late);
      };
      attempt.on('socket', (socket) => socket.once('connect', () => clearTimeout(connecting)));
      attempt.on('upgrade', (response, upstream: Socket, head) => {
        settle();
        resolve({ kind: 'upgraded', response, upstream, head });
      });
      attempt.on('response', (response) => {
        settle();
        response.on('error', () => {});
        resolve({ kind: 'answered', response });
      });
      attempt.on('error', (error) => {
        settle();
        reject(error);
      });
      attempt.end();
    });
  }

  #join(client: Socket, head: Buffer, { response, upstream, head: early }: Upgraded, dead: AbortSignal): void {
    this.#options.answered(101);
    client.write(headOf(101, response.rawHeaders));
    if (early.length > 0) client.write(early);
    if (head.length > 0) upstream.write(head);
    // A host that has vanished closes no connection. Without this, clients would notice only by their heartbeat.
    const end = (): void => tunnel.close();
    const tunnel = new Tunnel(client, upstream, () => {
      dead.removeEventListener('abort', end);
      this.#tunnels.delete(tunnel);
    });
    this.#tunnels.add(tunnel);
    dead.addEventListener('abort', end);
    if (this.#closed || dead.aborted) tunnel.close();
  }

  /** Forwards an answer other than 101. Whatever the client sends after that is dropped, because nothing would check it. */
  #relay(client: Socket, response: IncomingMessage): void {
    const status = response.statusCode ?? 502;
    this.#options.answered(status);
    const kept = pairsOf(response.rawHeaders).filter(([name]) => !HOP_HEADERS.has(name.toLowerCase()));
    client.write(headOf(status, [...kept.flat(), 'Connection', 'close']));
    response.on('close', () => client.destroySoon());
    response.pipe(client);
  }

  #refuse(client: Duplex, path: string, status: number, message: string): void {
    this.#options.answered(status);
    const body = JSON.stringify(gatewayErrorBody(status, message, path));
    const headers = ['Connection', 'close', 'Content-Type', 'application/json; charset=utf-8'];
    headers.push('Content-Length', String(Buffer.byteLength(body)));
    if (status >= 500) headers.push('Retry-After', String(RETRY_AFTER_SECONDS));
    client.once('finish', () => client.destroy());
    client.end(headOf(status, headers) + body);
  }
}

/** The client's headers in their order and spelling, except those about the request's origin, which the balancer sets. */
function upgradeHeaders(request: IncomingMessage, proxies: TrustedProxies): string[] {
  const forwarded = forwardedHeaders(request, proxies);
  const kept = pairsOf(request.rawHeaders).filter(([name]) => !isOwnHeader(name));
  return [...kept, ...Object.entries(forwarded)].flat();
}

function headOf(status: number, headers: readonly string[]): string {
  const lines = pairsOf(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`;
}

/** The name-value pairs of a flat list of headers. */
function pairsOf(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : []));
}

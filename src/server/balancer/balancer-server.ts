import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createNetServer, type Server as NetServer } from 'node:net';
import { LISTEN_BACKLOG } from '../shared/listen.ts';
import { withCheckedTargets } from '../shared/request-target.ts';
import { SLOW_REQUESTS } from '../shared/slow-requests.ts';

/** What the balancer proves its names with, in PEM. */
export interface TlsCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Longer than load balancers before this one keep a connection that is idle, so that it is they who close it. */
const KEEP_ALIVE_MS = 75_000;
/** A client that begins no TLS is not kept waiting for. */
const TLS_HANDSHAKE_MS = 10_000;

/** The server at the balancer's public port: HTTPS with a certificate, HTTP without. */
export function createBalancerServer(handler: RequestListener, tls: TlsCertificate | undefined): Server {
  const options = {
    ...SLOW_REQUESTS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Other upgrades, which some HTTP clients offer with every request, are plain requests to us.
    shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
  };
  const checked = withCheckedTargets(handler);
  if (!tls) return createServer(options, checked);
  return createTlsServer(
    { ...options, ...tls, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'], handshakeTimeout: TLS_HANDSHAKE_MS },
    checked,
  );
}

/**
 * Listens at further addresses of the port that `server` has.
 * @throws {Error} when one of them cannot be had; then none of them is kept
 */
export async function listenAlso(server: Server, hosts: readonly string[], port: number): Promise<() => void> {
  const listeners: NetServer[] = [];
  const close = (): void => {
    for (const listener of listeners) listener.close();
  };
  try {
    for (const host of hosts) {
      const listener = createNetServer((socket) => void server.emit('connection', socket));
      await new Promise<void>((resolve, reject) => {
        listener.once('error', reject);
        listener.listen({ host, port, backlog: LISTEN_BACKLOG }, resolve);
      });
      listeners.push(listener);
    }
    return close;
  } catch (error) {
    close();
    throw error;
  }
}

import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createNetServer, type Server as NetServer } from 'node:net';
import { LISTEN_BACKLOG } from '../shared/listen.ts';
import { withCheckedTargets } from '../shared/request-target.ts';
import { SLOW_REQUESTS } from '../shared/slow-requests.ts';

/** A TLS certificate and its key, PEM. */
export interface TlsCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Longer than the idle timeout of common load balancers in front of this one, so that they close the connection first. */
const KEEP_ALIVE_MS = 75_000;
/** How long a client may take for the TLS handshake. */
const TLS_HANDSHAKE_MS = 10_000;

/** The server on the balancer's public port: HTTPS with a certificate, otherwise HTTP. */
export function createBalancerServer(handler: RequestListener, tls: TlsCertificate | undefined): Server {
  const options = {
    ...SLOW_REQUESTS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Some HTTP clients offer other upgrades with every request; those are treated as plain requests.
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
 * Listens on further addresses with the port of `server`.
 * @throws {Error} when an address is unavailable; then none of them is kept
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

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SLOW_REQUESTS } from './slow-requests.ts';

/** The port is not to be had. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: 'PORT_IN_USE' | 'ADDRESS_UNAVAILABLE';

  constructor(code: 'PORT_IN_USE' | 'ADDRESS_UNAVAILABLE', message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Connections that may wait to be accepted: all clients of a crashed master come at once. The kernel may allow fewer. */
export const LISTEN_BACKLOG = 4_096;

export interface Listening {
  readonly server: Server;
  readonly url: string;
}

/**
 * An HTTP server that listens before anything is built on it, because a node's identity holds the URL that port 0 has
 * become. Requests that come before the routes are there wait in the kernel's queue for the same turn of the loop.
 *
 * @param option the option that names the port, for the message of an error
 * @throws {ListenError}
 */
export async function listen(host: string, port: number, option = '--port'): Promise<Listening> {
  const server = createServer(SLOW_REQUESTS);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = error.code === 'EADDRINUSE';
      const hint = inUse ? `Choose another with ${option}` : `Choose another with ${option.replace('port', 'host')}`;
      const what = inUse ? `Port ${port} is in use.` : `${host}:${port} cannot be opened.`;
      const code = inUse ? 'PORT_IN_USE' : 'ADDRESS_UNAVAILABLE';
      reject(new ListenError(code, `${what} ${hint} (${error.message}).`, error));
    });
    server.listen({ port, host, backlog: LISTEN_BACKLOG }, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return { server, url: `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${bound}` };
}

export interface Addresses {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly internalHost: string;
  /** 0: any that is free. */
  readonly internalPort: number;
}

/**
 * Opens the public and the internal port of a process.
 * @throws {ListenError} then neither is open
 */
export async function listenTwice(at: Addresses): Promise<{ open: Listening; internal: Listening }> {
  const open = await listen(at.host, at.port);
  try {
    return { open, internal: await listen(at.internalHost, at.internalPort, '--internal-port') };
  } catch (error) {
    open.server.close();
    throw error;
  }
}

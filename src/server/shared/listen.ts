import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SLOW_REQUESTS } from './slow-requests.ts';

/** A port or address is unavailable. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: 'PORT_IN_USE' | 'ADDRESS_UNAVAILABLE';

  constructor(code: 'PORT_IN_USE' | 'ADDRESS_UNAVAILABLE', message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** How many connections may wait to be accepted: all clients of a crashed master arrive at once. The kernel may allow fewer. */
export const LISTEN_BACKLOG = 4_096;

export interface Listening {
  readonly server: Server;
  readonly url: string;
}

/**
 * Opens an HTTP server before anything is built on it, because a node's identity contains its URL, and so the port chosen for 0.
 * Requests that arrive before the routes exist wait in the kernel's queue.
 *
 * @param option the command-line option for the port, to name in errors
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
  /** 0: any free port. */
  readonly port: number;
  readonly internalHost: string;
  /** 0: any free port. */
  readonly internalPort: number;
}

/**
 * Opens the public and the internal port of a process.
 * @throws {ListenError} after closing both
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

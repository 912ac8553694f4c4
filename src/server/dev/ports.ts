import { createServer } from 'node:net';
import { ClusterError } from './cluster-error.ts';

/**
 * Ports for inner processes are below those that operating systems use for outgoing connections. A node's port is free during its restart,
 * and an outgoing connection that happened to take it would prevent the restart.
 */
const LOWEST = 20_000;
const HIGHEST = 29_999;
/** Clusters that start at the same time, in processes with adjacent ids, begin their search at different ports. */
const PER_PROCESS = 16;

let next = LOWEST + ((process.pid * PER_PROCESS) % (HIGHEST - LOWEST));

/**
 * Free ports of `host`. This process gets each port at most once.
 * @throws {ClusterError} NoFreePort
 */
export async function freePorts(host: string, count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries > HIGHEST - LOWEST) {
      throw new ClusterError(
        'NoFreePort',
        `Fewer than ${count} ports from ${LOWEST} to ${HIGHEST} are free on ${host}. End programs that use them.`,
      );
    }
    const port = next;
    next = next === HIGHEST ? LOWEST : next + 1;
    if ((await probe(host, port)) === undefined) ports.push(port);
  }
  return ports;
}

/**
 * @param hostOption the option for the address, to name in errors
 * @param portOption the option for the port, to name in errors
 * @throws {ClusterError} PortTaken, AddressUnavailable
 */
export async function requireFreePort(
  host: string,
  port: number,
  hostOption = '--host',
  portOption = '--port',
): Promise<void> {
  const failure = await probe(host, port);
  if (failure === undefined) return;
  if (failure.code === 'EADDRINUSE') {
    throw new ClusterError(
      'PortTaken',
      `Port ${port} of ${host} is in use. End the program that uses it, or choose another with ${portOption}.`,
      failure,
    );
  }
  throw new ClusterError(
    'AddressUnavailable',
    `${host}:${port} cannot be opened (${failure.code ?? failure.message}). Choose others with ${hostOption} and ${portOption}.`,
    failure,
  );
}

/** Why `port` is unavailable; `undefined` if it is free. */
function probe(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

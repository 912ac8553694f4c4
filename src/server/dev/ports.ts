import { createServer } from 'node:net';
import { ClusterError } from './cluster-error.ts';

/**
 * Ports for the inner processes come from below those that systems give to outgoing connections. A node's port is free
 * while the node is restarted, and an outgoing connection that got it by chance would keep the node away for good.
 */
const LOWEST = 20_000;
const HIGHEST = 29_999;
/** Clusters that start at the same time, in processes of neighbouring ids, begin to look at different places. */
const PER_PROCESS = 16;

let next = LOWEST + ((process.pid * PER_PROCESS) % (HIGHEST - LOWEST));

/**
 * Ports of `host` that are free, each given once in the life of this process.
 * @throws {ClusterError} NoFreePort
 */
export async function freePorts(host: string, count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries > HIGHEST - LOWEST) {
      throw new ClusterError('NoFreePort', `There are no ${count} free ports from ${LOWEST} to ${HIGHEST} at ${host}.`);
    }
    const port = next;
    next = next === HIGHEST ? LOWEST : next + 1;
    if ((await probe(host, port)) === undefined) ports.push(port);
  }
  return ports;
}

/**
 * @param hostOption the option that names the address, for the message of an error; `portOption`: the port
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
      `Port ${port} of ${host} is in use. End the program that has it, or choose another with ${portOption}.`,
      failure,
    );
  }
  throw new ClusterError(
    'AddressUnavailable',
    `${host}:${port} cannot be opened (${failure.code ?? failure.message}). Choose others with ${hostOption} and ${portOption}.`,
    failure,
  );
}

/** Why `port` cannot be listened at; `undefined` when it can. */
function probe(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

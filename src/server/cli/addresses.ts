import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { UsageError } from './usage-error.ts';

const EVERYWHERE = new Set(['0.0.0.0', '::']);

export function isEverywhere(address: string): boolean {
  return EVERYWHERE.has(address);
}

/** Whether only this machine reaches what listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));
}

/**
 * Where others reach what listens at `host`: there, or at this machine's only address when it listens at all of them.
 * @throws {UsageError} AddressUnclear, with `option` as what to give
 */
export function reachableAddress(host: string, option: string): string {
  if (!isEverywhere(host)) return host;
  const addresses = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
  const [only, ...others] = addresses;
  if (only !== undefined && others.length === 0) return only;
  const found = only === undefined ? 'no address of its own' : `several addresses (${addresses.join(', ')})`;
  throw new UsageError('AddressUnclear', `This machine has ${found}: say with ${option} which one others should use.`);
}

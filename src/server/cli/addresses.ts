import { networkInterfaces } from 'node:os';
import { UsageError } from './usage-error.ts';

const EVERYWHERE = new Set(['0.0.0.0', '::']);

export function isEverywhere(address: string): boolean {
  return EVERYWHERE.has(address);
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

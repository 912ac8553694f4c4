import { isIPv4 } from 'node:net';
import { isEverywhere, ownAddresses } from '../shared/own-addresses.ts';
import type { MediaNodeFlags } from './flags.ts';
import { UsageError } from './usage-error.ts';

/**
 * Where others reach what listens at `host`: there, or at this machine's only address when it listens at all of them.
 * @throws {UsageError} AddressUnclear, with `option` as what to give
 */
export function reachableAddress(host: string, option: string): string {
  if (!isEverywhere(host)) return host;
  const addresses = ownAddresses().filter((address) => isIPv4(address));
  const [only, ...others] = addresses;
  if (only !== undefined && others.length === 0) return only;
  const found = only === undefined ? 'no address of its own' : `several addresses (${addresses.join(', ')})`;
  throw new UsageError('AddressUnclear', `This machine has ${found}: say with ${option} which one others should use.`);
}

type MediaAddressFlags = Pick<MediaNodeFlags, 'listenIp' | 'announcedAddress'>;

/**
 * Where a media node listens. When nothing is given, nothing is said: the node looks for its addresses each time that it starts
 * a worker.
 * @throws {UsageError} AddressUnclear
 */
export function mediaAddressOf({ listenIp, announcedAddress }: MediaAddressFlags): MediaAddressFlags {
  if (announcedAddress !== undefined) return { listenIp: listenIp ?? '0.0.0.0', announcedAddress };
  if (listenIp === undefined) return {};
  if (!isEverywhere(listenIp)) return { listenIp };
  return { listenIp, announcedAddress: reachableAddress(listenIp, '--announced-address') };
}

import { isIPv4 } from 'node:net';
import { isEverywhere, ownAddresses } from '../shared/own-addresses.ts';
import type { MediaNodeFlags } from './flags.ts';
import { UsageError } from './usage-error.ts';

/**
 * The address at which others reach a server that listens on `host`. If it listens on all addresses, that is the machine's only one.
 * @throws {UsageError} AddressUnclear if the machine has none or several; names `option` as the remedy
 */
export function reachableAddress(host: string, option: string): string {
  if (!isEverywhere(host)) return host;
  const addresses = ownAddresses().filter((address) => isIPv4(address));
  const [only, ...others] = addresses;
  if (only !== undefined && others.length === 0) return only;
  const found = only === undefined ? 'no address of its own' : `several addresses (${addresses.join(', ')})`;
  throw new UsageError(
    'AddressUnclear',
    `This machine has ${found}. Give the one that others should use with ${option}.`,
  );
}

type MediaAddressFlags = Pick<MediaNodeFlags, 'listenIp' | 'announcedAddress'>;

/**
 * The addresses on which a media node listens. Without options the result is empty, and the node looks up its addresses whenever it starts
 * a worker.
 * @throws {UsageError} AddressUnclear
 */
export function mediaAddressOf({ listenIp, announcedAddress }: MediaAddressFlags): MediaAddressFlags {
  if (announcedAddress !== undefined) return { listenIp: listenIp ?? '0.0.0.0', announcedAddress };
  if (listenIp === undefined) return {};
  if (!isEverywhere(listenIp)) return { listenIp };
  return { listenIp, announcedAddress: reachableAddress(listenIp, '--announced-address') };
}

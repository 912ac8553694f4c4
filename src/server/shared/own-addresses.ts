import { isIPv4, isIPv6 } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

type Interfaces = Readonly<Record<string, readonly Pick<NetworkInterfaceInfo, 'address' | 'internal'>[] | undefined>>;

/** Addresses at which other machines can reach this one, IPv4 first. Excludes loopback and link-local ones. */
export function ownAddresses(interfaces: Interfaces = networkInterfaces()): readonly string[] {
  const addresses = Object.values(interfaces)
    .flatMap((list) => list ?? [])
    .flatMap(({ address, internal }) => (internal || isLoopback(address) || isLinkLocal(address) ? [] : [address]));
  const distinct = [...new Set(addresses)];
  return [...distinct.filter((address) => isIPv4(address)), ...distinct.filter((address) => isIPv6(address))];
}

/** Whether the address stands for all addresses of this machine. */
export function isEverywhere(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** Whether only this machine can reach a server that listens on `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));
}

function isLinkLocal(address: string): boolean {
  return isIPv4(address) ? address.startsWith('169.254.') : /^fe[89ab]/i.test(address);
}

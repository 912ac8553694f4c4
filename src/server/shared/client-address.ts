import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Proxies on the same machine, such as the bundled balancer in a development cluster. */
export const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1'];

const MOST_AGENT_CHARACTERS = 256;
/** The groups of an IPv6 address that identify a customer's network. The customer chooses the rest. */
const NETWORK_GROUPS = 4;

/** The parts of a request that show its origin. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** The proxies whose X-Forwarded-* headers are trusted. Any other client could write anything into them. */
export class TrustedProxies {
  readonly #list = new BlockList();

  /** @param entries addresses and CIDR ranges, each valid by `isAddressRange` */
  constructor(entries: readonly string[] = LOOPBACK) {
    for (const entry of entries) {
      const [address = '', bits] = entry.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(bits), family);
    }
  }

  has(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }
}

/** Whether `text` is an address or a CIDR range. */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
}

/**
 * The address of the client. Each proxy appends the address of its peer, so entries are read from the right while a trusted proxy has
 * written them. The first address that isn't a trusted proxy's is the client's; entries to the left of it are unverified.
 */
export function clientAddress(request: Received, trusted: TrustedProxies): string {
  return forwardingChain(request, trusted)[0] ?? '';
}

/** The client's address, followed by those of the trusted proxies between it and this process, nearest last. */
export function forwardingChain({ headers, socket }: Received, trusted: TrustedProxies): readonly string[] {
  const chain = [plainAddress(socket.remoteAddress ?? '')];
  const claimed = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  while (trusted.has(chain[0] ?? '')) {
    const entry = plainAddress((claimed.pop() ?? '').trim());
    // A proxy that writes anything but addresses reveals nothing about its peer.
    if (isIP(entry) === 0) break;
    chain.unshift(entry);
  }
  return chain;
}

/** Whether this process's peer is a trusted proxy. */
export function comesThroughTrusted({ socket }: Received, trusted: TrustedProxies): boolean {
  return trusted.has(plainAddress(socket.remoteAddress ?? ''));
}

/** The key for counting a client: its address or, because a customer has many IPv6 addresses, its IPv6 network. */
export function countedAs(address: string): string {
  if (isIP(address) !== 6) return address;
  // The URL parser brings every IPv6 address into the same form.
  const short = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [head = '', tail] = short.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0');
  return `${[...front, ...zeros, ...back].slice(0, NETWORK_GROUPS).join(':')}::/64`;
}

/** A user agent that is safe to log, store and show: short, and on one line. */
export function cleanUserAgent(given: string | undefined): string {
  const clean = (given ?? '').replace(/\p{C}/gu, '').slice(0, MOST_AGENT_CHARACTERS).trim();
  return clean === '' ? 'unknown' : clean.toWellFormed();
}

/** Undoes the IPv6 form of IPv4 addresses, which sockets for both families report. */
function plainAddress(address: string): string {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  return mapped ?? address;
}

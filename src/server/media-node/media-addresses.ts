import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { ownAddresses } from '../shared/own-addresses.ts';

/** An address on which a worker listens for media. */
export interface MediaAddress {
  readonly ip: string;
  /** The address that clients are told, if it differs. */
  readonly announcedAddress?: string | undefined;
}

/** Every address is a candidate for every transport of every client, and more than this would slow down calls. */
const MOST_ADDRESSES = 8;
const LOOPBACK = '127.0.0.1';

/**
 * The addresses of this machine on which a worker can listen now. They are looked up for each worker, because they change with the
 * machine's network.
 *
 * Browsers on this machine use the loopback address if they can, because it survives a change of networks. Firefox cannot, so
 * the other addresses are announced even if only this machine is served.
 *
 * @param withLoopback whether clients run on this machine; loopback is also used when there is no other address
 */
export async function mediaAddresses(
  withLoopback: boolean,
  own: readonly string[] = ownAddresses(),
): Promise<{ readonly used: readonly MediaAddress[]; readonly unused: readonly string[] }> {
  // An IPv6 address that is still tentative, or a duplicate, cannot be bound.
  const usable = (await Promise.all(own.map(async (ip) => ((await canListen(ip)) ? [ip] : [])))).flat();
  const all = withLoopback || usable.length === 0 ? [LOOPBACK, ...usable] : usable;
  const used = all.slice(0, MOST_ADDRESSES);
  return { used: used.map((ip) => ({ ip })), unused: own.filter((ip) => !used.includes(ip)) };
}

function canListen(ip: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(ip) ? 'udp6' : 'udp4');
    const say = (usable: boolean): void => {
      socket.close();
      resolve(usable);
    };
    socket.once('error', () => say(false));
    socket.bind({ address: ip, port: 0, exclusive: true }, () => say(true));
  });
}

import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { ownAddresses } from '../shared/own-addresses.ts';

/** An address at which a worker listens for media. */
export interface MediaAddress {
  readonly ip: string;
  /** What clients are told, where it is another. */
  readonly announcedAddress?: string | undefined;
}

/** Every address is a candidate for every transport of every client: more than these slow calls down. */
const MOST_ADDRESSES = 8;
const LOOPBACK = '127.0.0.1';

/**
 * The addresses of this machine at which a worker can listen now. They are looked up for each worker, because a machine that
 * changes networks has other addresses afterwards.
 *
 * Browsers on this machine use the loopback address if they can: it outlives a change of networks. Firefox cannot, which is
 * why the others are announced even where only this machine is served.
 *
 * @param withLoopback whether clients run on this machine; without any other address, they must
 */
export async function mediaAddresses(
  withLoopback: boolean,
  own: readonly string[] = ownAddresses(),
): Promise<{ readonly used: readonly MediaAddress[]; readonly unused: readonly string[] }> {
  // An IPv6 address that is not confirmed yet, or in doubt, cannot be listened at.
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

import { BlockList, isIP, isIPv6 } from 'node:net';
import { hostname } from 'node:os';
import { ownAddresses } from '../../shared/own-addresses.ts';
import { ClusterError } from '../cluster-error.ts';
import { freePorts, requireFreePort } from '../ports.ts';
import { type LanCertificate, lanCertificate } from './lan-certificate.ts';

export interface LanOptions {
  /** `private`: all private addresses of this machine. */
  readonly addresses: readonly string[] | 'private';
  /** 0: any free port. */
  readonly port: number;
}

/** Ranges of addresses that are not routed on the Internet. */
const PRIVATE = new BlockList();
for (const [network, bits] of [['10.0.0.0', 8] as const, ['172.16.0.0', 12] as const, ['192.168.0.0', 16] as const]) {
  PRIVATE.addSubnet(network, bits, 'ipv4');
}
PRIVATE.addSubnet('fc00::', 7, 'ipv6');

/** How phones, and only clients in the same network, reach the demo. */
export class Lan {
  /** The addresses on which the demo listens for phones. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Port of the page that explains the certificate, served without TLS. */
  readonly guidePort: number;
  readonly certificate: LanCertificate;
  readonly #hosts: readonly string[];

  /**
   * @param folder for the certificate
   * @throws {ClusterError} NoLanAddress, PortTaken, AddressUnavailable, NoFreePort
   */
  static async prepare({ addresses, port }: LanOptions, folder: string): Promise<Lan> {
    const chosen = addresses === 'private' ? privateAddresses() : addresses;
    const [first] = chosen;
    if (first === undefined) {
      throw new ClusterError(
        'NoLanAddress',
        'This machine has no private address at which phones could reach it. Connect it to their network, or give an address that they reach: --lan ADDRESS.',
      );
    }
    const [free = 0, freeGuide = 0] = port === 0 ? await freePorts(first, 2) : [port, port + 1];
    for (const address of chosen) {
      for (const one of [free, freeGuide]) await requireFreePort(address, one, '--lan', '--lan-port');
    }
    const names = [...chosen, ...ownNames()];
    return new Lan(chosen, names.map(bracketed), free, freeGuide, await lanCertificate(folder, names));
  }

  private constructor(
    addresses: readonly string[],
    hosts: readonly string[],
    port: number,
    guidePort: number,
    certificate: LanCertificate,
  ) {
    this.addresses = addresses;
    this.#hosts = hosts;
    this.port = port;
    this.guidePort = guidePort;
    this.certificate = certificate;
  }

  /** Origins of the demo page, those with addresses first. */
  get origins(): readonly string[] {
    return this.#hosts.map((host) => new URL(`https://${host}:${this.port}`).origin);
  }

  /** URLs of the pages that explain the certificate, which phones open first. */
  get guides(): readonly string[] {
    return this.addresses.map((address) => `http://${bracketed(address)}:${this.guidePort}`);
  }

  /** The demo page that a guide leads to; `undefined` if `host` isn't a name of this demo. */
  pageBeside(host: string): string | undefined {
    const at = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined;
    const ours = at && Number(at.port || 80) === this.guidePort && this.#hosts.includes(at.hostname);
    return ours ? new URL(`https://${at.hostname}:${this.port}`).origin : undefined;
  }
}

export function privateAddresses(own: readonly string[] = ownAddresses()): readonly string[] {
  return own.filter((address) => PRIVATE.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'));
}

/** Names that a network may have for this machine: its host name, also with `.local` for multicast DNS. */
function ownNames(): string[] {
  const name = hostname().toLowerCase();
  if (!/^[a-z0-9.-]+$/.test(name) || name === 'localhost' || isIP(name) !== 0) return [];
  return name.includes('.') ? [name] : [name, `${name}.local`];
}

function bracketed(host: string): string {
  // Like browsers, the URL parser brings every IPv6 address into the same form.
  return isIPv6(host) ? new URL(`http://[${host}]`).hostname : host;
}

import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * Whether a browser sent this request from a page of the cluster itself. A page of another site can send requests here,
 * but not without its browser saying so. Names that anyone may point at this machine do not count as ours.
 *
 * @param headers as they come from the balancer, which tells the host asked for in X-Forwarded-Host
 * @param isOwn whether a host, as a URL with `http:`, is the cluster's own
 */
export function isSameOrigin(headers: IncomingHttpHeaders, isOwn: IsOwnHost): boolean {
  const told = headers['sec-fetch-site'] !== undefined || headers.origin !== undefined;
  return told && !isForeign(headers, isOwn);
}

/**
 * Whether this request names another host than ours, or comes from a page of another origin. Browsers tell neither header
 * with a plain GET to an address without TLS, so the absence of both proves nothing. Each that is there must be right: a
 * page that has pointed its own name at this machine can set X-Forwarded-Host, but not its Origin.
 */
export function isForeign(headers: IncomingHttpHeaders, isOwn: IsOwnHost): boolean {
  const host = String(headers['x-forwarded-host'] ?? headers.host ?? '');
  if (!URL.canParse(`http://${host}`) || !isOwn(new URL(`http://${host}`))) return true;
  const { origin, 'sec-fetch-site': site } = headers;
  if (site !== undefined && site !== 'same-origin') return true;
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host.toLowerCase());
}

export type IsOwnHost = (host: URL) => boolean;

/** The hosts of a cluster that is reached at `publicHost`: any address, as nobody can point one at another machine. */
export function ownHostsOf(publicHost: string): IsOwnHost {
  return ({ hostname: name }) => {
    const bare = name.replace(/^\[|\]$/g, '');
    return isIP(bare) !== 0 || ['localhost', hostname().toLowerCase(), publicHost].includes(name);
  };
}

/** The hosts that phones may use, and no other. */
export function ownHostsAt(origins: readonly string[]): IsOwnHost {
  return ({ host }) => URL.canParse(`https://${host}`) && origins.includes(new URL(`https://${host}`).origin);
}

import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * Whether a browser sent this request from a page of the cluster itself. Browsers mark requests from pages of other sites. A host name
 * that anyone could point at this machine doesn't count as the cluster's own.
 *
 * @param headers as the balancer forwards them, with the requested host in X-Forwarded-Host
 * @param isOwn whether a host, as a URL with `http:`, is the cluster's own
 */
export function isSameOrigin(headers: IncomingHttpHeaders, isOwn: IsOwnHost): boolean {
  const told = headers['sec-fetch-site'] !== undefined || headers.origin !== undefined;
  return told && !isForeign(headers, isOwn);
}

/**
 * Whether this request names another host than the cluster's, or comes from a page of another origin. Browsers send neither header with
 * a plain GET to an address without TLS, so their absence proves nothing. Every header present must be right: a page that has
 * pointed its own name at this machine can set X-Forwarded-Host, but not Origin.
 */
export function isForeign(headers: IncomingHttpHeaders, isOwn: IsOwnHost): boolean {
  const host = String(headers['x-forwarded-host'] ?? headers.host ?? '');
  if (!URL.canParse(`http://${host}`) || !isOwn(new URL(`http://${host}`))) return true;
  const { origin, 'sec-fetch-site': site } = headers;
  if (site !== undefined && site !== 'same-origin') return true;
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host.toLowerCase());
}

export type IsOwnHost = (host: URL) => boolean;

/** The hosts of a cluster at `publicHost`. They include any IP address, because nobody can redirect one to another machine. */
export function ownHostsOf(publicHost: string): IsOwnHost {
  return ({ hostname: name }) => {
    const bare = name.replace(/^\[|\]$/g, '');
    return isIP(bare) !== 0 || ['localhost', hostname().toLowerCase(), publicHost].includes(name);
  };
}

/** Allows exactly the hosts of the origins for phones. */
export function ownHostsAt(origins: readonly string[]): IsOwnHost {
  return ({ host }) => URL.canParse(`https://${host}`) && origins.includes(new URL(`https://${host}`).origin);
}

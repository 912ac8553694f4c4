import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * Whether a browser sent this request from a page of the cluster itself. A page of another site can send requests here,
 * but not without its browser saying so. Names that anyone may point at this machine do not count as ours.
 *
 * @param headers as they come from the balancer, which tells the host asked for in X-Forwarded-Host
 * @param publicHost the host of the cluster's public URL
 */
export function isSameOrigin(headers: IncomingHttpHeaders, publicHost: string): boolean {
  const told = headers['sec-fetch-site'] !== undefined || headers.origin !== undefined;
  return told && !isForeign(headers, publicHost);
}

/**
 * Whether this request names another host than ours, or comes from a page of another origin. Browsers tell neither header
 * with a plain GET to an address without TLS, so the absence of both proves nothing. Each that is there must be right: a
 * page that has pointed its own name at this machine can set X-Forwarded-Host, but not its Origin.
 */
export function isForeign(headers: IncomingHttpHeaders, publicHost: string): boolean {
  const host = String(headers['x-forwarded-host'] ?? headers.host ?? '');
  if (!URL.canParse(`http://${host}`) || !isOwnName(new URL(`http://${host}`).hostname, publicHost)) return true;
  const { origin, 'sec-fetch-site': site } = headers;
  if (site !== undefined && site !== 'same-origin') return true;
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host.toLowerCase());
}

function isOwnName(name: string, publicHost: string): boolean {
  const bare = name.replace(/^\[|\]$/g, '');
  return isIP(bare) !== 0 || ['localhost', hostname().toLowerCase(), publicHost].includes(name);
}

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
  const host = String(headers['x-forwarded-host'] ?? headers.host ?? '');
  if (!URL.canParse(`http://${host}`) || !isOwnName(new URL(`http://${host}`).hostname, publicHost)) return false;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const { origin } = headers;
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}

function isOwnName(name: string, publicHost: string): boolean {
  const bare = name.replace(/^\[|\]$/g, '');
  return isIP(bare) !== 0 || ['localhost', hostname().toLowerCase(), publicHost].includes(name);
}

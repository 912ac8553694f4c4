import { join } from 'node:path';
import type { StaticFiles } from '../balancer/static-files.ts';

/**
 * The demo page may load its own files and icon, and open sockets and requests to the cluster. Inline scripts and styles are forbidden,
 * so that text shown on the page can never run in it.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The demo page at `/` and the browser bundles at `/dist/`. `dist`: the output directory of the build. */
export function demoFiles(dist: string): StaticFiles[] {
  return [
    { prefix: '/', directory: join(dist, 'demo'), policy: POLICY },
    { prefix: '/dist/', directory: dist },
  ];
}

/**
 * The policy with permission for sockets at these URLs. Tokens name one of them, and a page may have been opened at another: browsers
 * distinguish 127.0.0.1 from localhost, and in older ones 'self' doesn't cover WebSockets. A policy cannot name IPv6 addresses.
 */
export function withSocketsAt(urls: readonly string[], policy: string): string {
  const sources = urls.filter((url) => !url.includes('[')).map((url) => new URL(url).origin.replace(/^http/, 'ws'));
  return policy.replace("connect-src 'self'", ["connect-src 'self'", ...sources].join(' '));
}

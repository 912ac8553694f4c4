import { join } from 'node:path';
import type { StaticFiles } from '../balancer/static-files.ts';

/**
 * The demo page may load its own files and its icon, and open sockets and calls to the cluster. No script or style
 * comes from the page's text, so that nothing that is told to the page runs in it.
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

/** The demo page at `/` and the browser bundles at `/dist/`, where `dist` is what the build makes. */
export function demoFiles(dist: string): StaticFiles[] {
  return [
    { prefix: '/', directory: join(dist, 'demo'), policy: POLICY },
    { prefix: '/dist/', directory: dist },
  ];
}

/**
 * The policy with leave to open sockets at these URLs. Tokens name one of them, below which the socket is, and a page need not have been opened there:
 * 127.0.0.1 is not localhost to a browser, and to older ones not even the page's own host is its own over WebSocket. No policy
 * can name an IPv6 address.
 */
export function withSocketsAt(urls: readonly string[], policy: string): string {
  const sources = urls.filter((url) => !url.includes('[')).map((url) => new URL(url).origin.replace(/^http/, 'ws'));
  return policy.replace("connect-src 'self'", ["connect-src 'self'", ...sources].join(' '));
}

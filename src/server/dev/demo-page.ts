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
 * The policy with leave to open sockets at the public URL. Tokens name it, and a page need not have been opened there:
 * 127.0.0.1 is not localhost to a browser.
 */
export function withSocketsAt(publicUrl: string, policy: string): string {
  return policy.replace("connect-src 'self'", `connect-src 'self' ${publicUrl.replace(/^http/, 'ws')}`);
}

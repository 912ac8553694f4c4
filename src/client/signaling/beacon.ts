import type { Goodbye } from '../../protocol/frames.ts';

/**
 * Sends a goodbye that the browser delivers even after the page has closed. It is text, which needs no preflight.
 * @param urls of the socket
 * @param goodbye `undefined` if there is no connection to leave
 */
export function sendBeacon(urls: readonly string[], goodbye: Goodbye | undefined): void {
  if (!goodbye) return;
  // The page's policy may allow only the socket, and Node has no beacons.
  try {
    for (const url of urls) navigator.sendBeacon(url.replace(/^ws/, 'http'), JSON.stringify(goodbye));
  } catch {}
}

import type { Goodbye } from '../../protocol/frames.ts';

/**
 * Sends a goodbye that is delivered even when the page is gone. It is text, which asks for no preflight.
 * @param urls of the socket
 * @param goodbye `undefined`: there is no place to leave
 */
export function sendBeacon(urls: readonly string[], goodbye: Goodbye | undefined): void {
  if (!goodbye) return;
  // A page may be allowed no more than the socket, and Node has no beacons.
  try {
    for (const url of urls) navigator.sendBeacon(url.replace(/^ws/, 'http'), JSON.stringify(goodbye));
  } catch {}
}

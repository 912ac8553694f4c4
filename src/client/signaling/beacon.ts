import type { Goodbye } from '../../protocol/frames.ts';

/** A goodbye that is delivered even when the page is gone. `urls`: of the socket. `undefined`: there is no place to leave. Text asks for no preflight. */
export function sendBeacon(urls: readonly string[], goodbye: Goodbye | undefined): void {
  if (!goodbye) return;
  // A page may be allowed no more than the socket, and Node has no beacons.
  try {
    for (const url of urls) navigator.sendBeacon(url.replace(/^ws/, 'http'), JSON.stringify(goodbye));
  } catch {}
}

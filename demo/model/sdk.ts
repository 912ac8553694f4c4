import type * as Sdk from '../../src/client/index.ts';

/** The SDK as the page's script tag brings it. */
declare global {
  var Rejoin: typeof Sdk | undefined;
}

/** @throws {Error} when the script has not been loaded */
export function sdk(): typeof Sdk {
  if (globalThis.Rejoin) return globalThis.Rejoin;
  throw new Error('The SDK is missing. Build it with "npm run build", so that dist/rejoin.min.js exists.');
}

import type * as Sdk from '../../src/client/index.ts';

/** The global of the page's script tag. */
declare global {
  var Rejoin: typeof Sdk | undefined;
}

/** @throws {Error} if the script is not loaded */
export function sdk(): typeof Sdk {
  if (globalThis.Rejoin) return globalThis.Rejoin;
  throw new Error('The SDK is missing. Run "npm run build", which makes dist/rejoin.min.js.');
}

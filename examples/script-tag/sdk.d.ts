import type * as Sdk from 'rejoin';

declare global {
  /** What `rejoin.min.js` sets. */
  const Rejoin: typeof Sdk;
}

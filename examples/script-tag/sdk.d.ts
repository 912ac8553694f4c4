import type * as Sdk from 'rejoin';

declare global {
  /** The globals that `rejoin.min.js` sets. */
  const Rejoin: typeof Sdk;
}

/** A script tag that stands in for OpenVidu's own: it sets `globalThis.OpenVidu`, and nothing else. */
import * as sdk from './index.ts';

// Minifying has taken the names by which applications tell a session from a publisher: `event.target.constructor.name`.
for (const [name, exported] of Object.entries(sdk)) {
  // These have another name, which is OpenVidu's.
  const isAlias = /^(Rejoin|Typed)/.test(name);
  if (typeof exported === 'function' && !isAlias) Object.defineProperty(exported, 'name', { value: name });
}

Object.assign(globalThis, { OpenVidu: sdk.OpenVidu });

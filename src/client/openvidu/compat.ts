/** Entry of the script tag that replaces OpenVidu's own: it sets only `globalThis.OpenVidu`. */
import * as sdk from './index.ts';

// Applications tell a session from a publisher by `event.target.constructor.name`, so restore the names that the
// minifier removed.
for (const [name, exported] of Object.entries(sdk)) {
  // Skip the aliases: these classes are exported under OpenVidu's name, too.
  const isAlias = /^(Rejoin|Typed)/.test(name);
  if (typeof exported === 'function' && !isAlias) Object.defineProperty(exported, 'name', { value: name });
}

Object.assign(globalThis, { OpenVidu: sdk.OpenVidu });

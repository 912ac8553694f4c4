import { SOCKET_PATH } from '../../protocol/limits.ts';

/** Most characters of a path that an answer repeats. */
const MOST_ECHOED = 128;
const BELOW_PREFIX = new RegExp(`^(/.+?)(?:${SOCKET_PATH}|/openvidu/api(?:/.*)?)$`);

/**
 * The error for an unknown path on which a proxy has left its own prefix, as in `/video/rejoin`; `undefined` for any other path. Such a
 * path is not served, because guards and routes rely on a single form of each path.
 */
export function prefixLeft(path: string): string | undefined {
  const prefix = BELOW_PREFIX.exec(path)?.[1]?.slice(0, MOST_ECHOED);
  if (prefix === undefined) return undefined;
  const rule = `location ${prefix}/ { proxy_pass http://balancer/; }`;
  return `PREFIX_NOT_STRIPPED: A proxy has left its prefix "${prefix}" on the path. Make it strip the prefix; in nginx with "${rule}".`;
}

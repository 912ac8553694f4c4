import { SOCKET_PATH } from '../../protocol/limits.ts';

/** Of a path that is repeated in an answer. */
const MOST_ECHOED = 128;
const BELOW_PREFIX = new RegExp(`^(/.+?)(?:${SOCKET_PATH}|/openvidu/api(?:/.*)?)$`);

/**
 * The error for a path that leads nowhere because a proxy in front has left its own prefix on it, as in `/video/rejoin`;
 * `undefined` for any other path. Such a path isn't served all the same: guards and routes are written for one form of a path.
 */
export function prefixLeft(path: string): string | undefined {
  const prefix = BELOW_PREFIX.exec(path)?.[1]?.slice(0, MOST_ECHOED);
  if (prefix === undefined) return undefined;
  const rule = `location ${prefix}/ { proxy_pass http://balancer/; }`;
  return `PREFIX_NOT_STRIPPED: A proxy in front has left "${prefix}" on the path. Let it take that away, in nginx with "${rule}".`;
}

/**
 * Networks for test processes that run at the same time: each has all ports to itself, so that clusters of one cannot take
 * those of another.
 */
import { spawnSync } from 'node:child_process';

/** The caller becomes root of a namespace of its own, which needs no privileges. */
const NAMESPACE = ['unshare', '--user', '--map-root-user', '--net', '--'];

/** Both ends of the link stay in here: browsers send media only from an address that is not the loopback one. */
const SET_UP = [
  // Debian has some programs of the system where only root looks.
  'PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"',
  'ip link set lo up',
  'ip link add name own type veth peer name other',
  'ip address add 10.77.0.1/24 dev own',
  'ip link set own up',
  'ip link set other up',
  'exec "$@"',
].join(' && ');

/** @returns {string[]} the command line that runs `command` in a network of its own */
export function inPrivateNetwork(command) {
  return [...NAMESPACE, 'sh', '-c', SET_UP, 'sh', ...command];
}

/** @returns {string | undefined} why there can be none on this system */
export function networkFault() {
  const [program, ...args] = inPrivateNetwork(['true']);
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? undefined : String(error?.message ?? stderr).trim();
}

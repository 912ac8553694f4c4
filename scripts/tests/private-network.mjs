/**
 * Networks for test processes that run at the same time. Each network has all ports to itself, so that no cluster takes
 * the ports of another test.
 */
import { spawnSync } from 'node:child_process';

/** The command becomes root of a new namespace, which needs no privileges. */
const NAMESPACE = ['unshare', '--user', '--map-root-user', '--net', '--'];

/** Browsers send media only from another address than loopback, so a link with both ends inside provides one. */
const SET_UP = [
  // Debian keeps some system programs in folders that only root's PATH contains.
  'PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"',
  'ip link set lo up',
  'ip link add name own type veth peer name other',
  'ip address add 10.77.0.1/24 dev own',
  'ip link set own up',
  'ip link set other up',
  'exec "$@"',
].join(' && ');

/** @returns {string[]} the command line that runs `command` in a new network */
export function inPrivateNetwork(command) {
  return [...NAMESPACE, 'sh', '-c', SET_UP, 'sh', ...command];
}

/** @returns {string | undefined} why this system allows no such network; `undefined` if it does */
export function networkFault() {
  const [program, ...args] = inPrivateNetwork(['true']);
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? undefined : String(error?.message ?? stderr).trim();
}

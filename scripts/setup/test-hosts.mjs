import { provideTools } from './tools.mjs';

const PROGRAMS = { haproxy: 'haproxy', nft: 'nftables', ip: 'iproute2', nsenter: 'util-linux' };

/**
 * The tools that make test hosts: network namespaces, the rules of their links, and the balancer before them.
 *
 * @param {NodeJS.WritableStream} log
 */
export function provideHostTools(log) {
  return provideTools({ programs: PROGRAMS, purpose: 'for the tests on hosts', log });
}

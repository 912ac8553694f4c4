import process from 'node:process';
import { provideTools } from './tools.mjs';

const PROGRAMS = {
  haproxy: 'haproxy',
  faketime: 'faketime',
  nft: 'nftables',
  ip: 'iproute2',
  nsenter: 'util-linux',
  ...(process.env.FIREFOX_PATH ? {} : { 'firefox-esr': 'firefox-esr' }),
};

/**
 * The tools for test hosts: network namespaces, the rules of their links, the balancer, adjustable clocks, and
 * Firefox for the demo.
 *
 * @param {NodeJS.WritableStream} log
 */
export function provideHostTools(log) {
  return provideTools({ programs: PROGRAMS, purpose: 'for the tests on hosts', log });
}

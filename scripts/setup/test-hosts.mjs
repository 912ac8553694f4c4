import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { isDebian, provide } from './debian.mjs';
import { Failure } from './failure.mjs';
import { say } from './step.mjs';

/** Each program that the tests on hosts of their own run, with the Debian package that has it. */
const PROGRAMS = {
  haproxy: 'haproxy',
  nft: 'nftables',
  ip: 'iproute2',
  nsenter: 'util-linux',
  ...(process.env.FIREFOX_PATH ? {} : { 'firefox-esr': 'firefox-esr' }),
};
/** Debian has some of them where only root looks. */
const PATH = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;

/**
 * The tools that make test hosts: network namespaces, the rules of their links, and the balancer before them. Without it the suite
 * "hosts" fails and says so; no other suite needs it, so a system where it cannot be installed is told, and no more.
 *
 * @param {NodeJS.WritableStream} log
 */
export async function provideHostTools(log) {
  const lacking = missing();
  if (lacking.length === 0) return;
  try {
    if (!isDebian())
      throw new Failure('PackagesMissing', `Programs are missing: ${lacking.join(', ')}.`, 'install them');
    await provide({ names: lacking.map((name) => PROGRAMS[name]), purpose: 'for the tests on hosts', log });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(log, error.message);
  }
}

function missing() {
  const env = { ...process.env, PATH };
  return Object.keys(PROGRAMS).filter((name) => spawnSync(name, ['-V'], { stdio: 'ignore', env }).error);
}

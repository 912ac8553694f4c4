import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The directory for results that took long to build, which other checkouts reuse. */
export function cacheDir() {
  const { REJOIN_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  return resolve(REJOIN_CACHE_DIR || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'rejoin'));
}

/**
 * A short name for some content.
 *
 * @param {...(string | Buffer)} parts
 */
export function digest(...parts) {
  const hash = createHash('sha256');
  // The lengths distinguish 'ab' + 'c' from 'a' + 'bc'.
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex').slice(0, 16);
}

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { isDebian, provide } from './debian.mjs';
import { Failure } from './failure.mjs';
import { say } from './step.mjs';

/** Some Debian programs are only on root's path. */
const SYSTEM_PATHS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * Installs programs that one test suite runs. Only that suite fails without them, so a failed installation only
 * prints a message.
 *
 * @param {object} request
 * @param {Record<string, string>} request.programs each with its Debian package
 * @param {string} request.purpose their purpose, follows "needed"
 * @param {NodeJS.WritableStream} request.log
 */
export async function provideTools({ programs, purpose, log }) {
  const lacking = Object.keys(programs).filter((name) => !isInstalled(name));
  if (lacking.length === 0) return;
  try {
    if (!isDebian())
      throw new Failure('PackagesMissing', `Programs are missing: ${lacking.join(', ')}.`, 'install them');
    await provide({ names: lacking.map((name) => programs[name]), purpose, log });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(log, error.message);
  }
}

function isInstalled(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_PATHS];
  return folders.some((folder) => existsSync(join(folder, name)));
}

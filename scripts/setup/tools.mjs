import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { isDebian, provide } from './debian.mjs';
import { Failure } from './failure.mjs';
import { say } from './step.mjs';

/** Debian has some programs where only root looks. */
const SYSTEM_PATHS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * Programs that one suite of the tests runs. Without them it fails and says so; no other suite needs them, so a system where they
 * cannot be installed is told, and no more.
 *
 * @param {object} request
 * @param {Record<string, string>} request.programs each with the Debian package that has it
 * @param {string} request.purpose what they are for, to follow "needed"
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

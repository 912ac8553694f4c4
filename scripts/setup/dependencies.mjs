import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process, { arch, platform } from 'node:process';
import { run } from './command.mjs';
import { Failure } from './failure.mjs';
import { withLock } from './lock.mjs';
import { digest, root } from './places.mjs';
import { inStep } from './step.mjs';

const modules = join(root, 'node_modules');
const stamp = join(modules, '.rejoin-installed');
const POLL = 500;

/**
 * Installs exactly the packages of the lock file, or nothing if it does not match package.json.
 *
 * 'dev': even if NODE_ENV is production. 'error': hides npm's warning about an old Node, because the packages run on
 * the Node that set-up installs.
 */
const INSTALL = ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];

/**
 * Installs the packages of package-lock.json, unless all are present.
 *
 * @param {NodeJS.WritableStream} log
 */
export async function installDependencies(log) {
  if (current()) return;
  await withLock(`checkout-${digest(root)}`, log, async () => {
    if (current()) return;
    if (!alreadyInstalled()) await install(log);
    writeFileSync(stamp, wantedDigest());
  });
}

async function install(log) {
  const paths = Object.entries(packages('package-lock.json'))
    .filter(([, { os, cpu }]) => (os ?? [platform]).includes(platform) && (cpu ?? [arch]).includes(arch))
    .map(([path]) => join(root, path, 'package.json'));

  await inStep(log, 'installing dependencies', async (step) => {
    // npm reports no progress to a pipe, so count the installed packages.
    const count = () => step.at(`${paths.filter((path) => existsSync(path)).length} of ${paths.length}`);
    const timer = setInterval(count, POLL);
    try {
      const { ok, how, output } = await npm(INSTALL);
      if (!ok) throw new Failure('InstallFailed', `npm ci failed: ${how}.\n${output}`, `npm ${INSTALL.join(' ')}`);
    } finally {
      clearInterval(timer);
    }
    step.done('dependencies installed');
  });
}

/**
 * Runs npm in the checkout, on its own Node. `npm run` puts node_modules first on the path, but this command may just
 * be replacing the Node there.
 *
 * @param {string[]} args
 */
export function npm(args) {
  const path = (process.env.PATH ?? '').split(delimiter).filter((entry) => !entry.startsWith(modules));
  return run('npm', args, { cwd: root, env: { ...process.env, PATH: path.join(delimiter) } });
}

function current() {
  try {
    return readFileSync(stamp, 'utf8') === wantedDigest();
  } catch {
    return false;
  }
}

/** Whether npm's own record lists exactly the packages of the lock file. */
function alreadyInstalled() {
  let installed;
  try {
    installed = packages(join('node_modules', '.package-lock.json'));
  } catch {
    return false;
  }
  if (!inSync()) return false;
  const wanted = packages('package-lock.json');

  for (const [path, { version }] of Object.entries(installed)) {
    if (wanted[path]?.version !== version || !existsSync(join(root, path, 'package.json'))) return false;
  }
  // Packages for other platforms may be absent.
  return Object.entries(wanted).every(([path, { optional }]) => optional || installed[path]);
}

/** Whether the lock file matches package.json. */
function inSync() {
  return demands(readJson('package-lock.json').packages['']) === demands(readJson('package.json'));
}

/** The packages of a lock file; the entry with the empty path is the project itself. */
function packages(file) {
  const { '': _project, ...rest } = readJson(file).packages;
  return rest;
}

function wantedDigest() {
  return digest(readFileSync(join(root, 'package-lock.json')), demands(readJson('package.json')));
}

function demands({ dependencies, devDependencies, optionalDependencies }) {
  return JSON.stringify([dependencies, devDependencies, optionalDependencies]);
}

function readJson(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8'));
}

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
 * Installs exactly what the lock file says, and nothing when that does not fit package.json.
 *
 * 'dev': also where NODE_ENV says production. 'error': npm warns if the Node it runs on is older than the packages want,
 * which does not matter, as what is installed runs on the Node that set-up provides.
 */
const INSTALL = ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];

/**
 * Installs the packages that package-lock.json names, unless they are all there.
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
    // npm tells no progress to a pipe, but its work can be watched.
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
 * Runs npm in the checkout, on the Node it came with: the one in node_modules, which `npm run` puts first on the path,
 * may be the very thing that is being replaced.
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

/** Whether npm itself has noted down that exactly the packages of the lock file are there. */
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
  // Those for other platforms stay away.
  return Object.entries(wanted).every(([path, { optional }]) => optional || installed[path]);
}

/** Whether the lock file was written for what package.json asks for now. */
function inSync() {
  return demands(readJson('package-lock.json').packages['']) === demands(readJson('package.json'));
}

/** The entries of a lock file that stand for packages: the one with the empty path is the project itself. */
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

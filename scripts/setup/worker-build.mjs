import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { run } from './command.mjs';
import { isDebian, provide, versions } from './debian.mjs';
import { Failure } from './failure.mjs';
import { interruption } from './interruption.mjs';
import { cacheDir, digest, root } from './places.mjs';
import { inStep } from './step.mjs';

/** The libraries of the worker. A change in one of them requires a new build. */
export const LIBRARIES = ['libuv1-dev', 'libssl-dev', 'libsrtp2-dev', 'libabsl-dev', 'libflatbuffers-dev'];
const TOOLS = ['flatbuffers-compiler', 'pkg-config', 'cmake', 'ninja-build', 'g++'];

const project = join(root, 'scripts', 'worker');
const sources = join(root, 'node_modules', 'mediasoup', 'worker');

/** All files that determine a build, besides the sources and the libraries. */
export function recipe() {
  return readdirSync(project, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(mjs|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
    .map((path) => readFileSync(path));
}

/**
 * Builds the worker from the sources in its npm package with the system's libraries, and keeps it only if video
 * passes through it.
 *
 * @param {object} context
 * @param {NodeJS.WritableStream} context.log
 * @param {string} context.node
 * @param {boolean} context.abandoned whether the previous builder died, possibly leaving incomplete files
 * @param {string} context.name name of the build's directory
 * @param {() => string | undefined} context.cached finds a finished build
 * @param {(path: string) => string} context.keep puts it into the cache
 * @returns {Promise<string>} its path in the cache
 */
export async function buildWorker({ log, node, abandoned, name, cached, keep }) {
  if (!isDebian()) {
    throw new Failure(
      'WorkerMissing',
      'No pinned media worker can be downloaded, and building one is only known to work on Debian.',
      'pin the official one after comparing it with its release page: npm run setup -- --pin-worker; or use another worker: export MEDIASOUP_WORKER_BIN=/path/of/mediasoup-worker',
    );
  }
  await provide({ names: [...TOOLS, ...LIBRARIES], purpose: 'to build the media worker', log });
  // The cache may contain it already, if only its libraries were missing.
  const ready = cached();
  if (ready) return ready;

  // The same checkout continues an interrupted build.
  const base = join(cacheDir(), 'worker', 'build', name);
  const dir = join(base, digest(root, ...versions(LIBRARIES), ...recipe()));
  const journal = join(cacheDir(), 'worker', `${name}.log`);
  if (abandoned) rmSync(base, { recursive: true, force: true, maxRetries: 10 });
  mkdirSync(dir, { recursive: true });

  try {
    await inStep(log, 'building the media worker', async (step) => {
      await compile(dir, journal, step);
      step.done('media worker built');
    });
    await inStep(log, 'checking the media worker', async (step) => {
      await verify(node, join(dir, 'mediasoup-worker'));
      step.done('media worker checked, video passes through');
    });
    return keep(join(dir, 'mediasoup-worker'));
  } finally {
    if (!interruption().aborted) rmSync(base, { recursive: true, force: true });
  }
}

async function compile(dir, journal, step) {
  const lines = [];
  const onLine = (line) => {
    lines.push(line);
    const progress = /^\[\d+\/\d+\]/.exec(line);
    if (progress) step.at(progress[0]);
  };
  const configure = [
    '-S',
    project,
    '-B',
    dir,
    '-G',
    'Ninja',
    '-DCMAKE_BUILD_TYPE=Release',
    `-DWORKER_SOURCE=${sources}`,
  ];
  const env = { ...process.env, NINJA_STATUS: '[%f/%t] ' };

  for (const args of [configure, ['--build', dir]]) {
    const { ok, how, output } = await run('cmake', args, { env, onLine });
    if (ok) continue;
    writeFileSync(journal, `${lines.join('\n')}\n`);
    throw new Failure(
      'WorkerBuildFailed',
      `The media worker could not be built: ${how}.\n${output}`,
      `see ${journal}; or use a worker built elsewhere: export MEDIASOUP_WORKER_BIN=/path/of/mediasoup-worker`,
    );
  }
}

async function verify(node, path) {
  const { ok, how, output } = await run(node, [join(project, 'verify.mjs'), path], { cwd: root });
  if (ok) return;
  throw new Failure(
    'WorkerBroken',
    `The media worker was built, but video does not pass through it: ${how}.\n${output}`,
    'report it with the output above; or use a worker built elsewhere: export MEDIASOUP_WORKER_BIN=/path/of/mediasoup-worker',
  );
}

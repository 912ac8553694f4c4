// The entry of `npm run demo`, `npm test`, `npm run bench` and `npm run setup`: prepares the checkout, then runs the
// command.

import { constants } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { asksForHelp, mistakeIn } from './setup/arguments.mjs';
import { provideBundles } from './setup/bundle.mjs';
import { installDependencies } from './setup/dependencies.mjs';
import { Failure } from './setup/failure.mjs';
import { Interruption, interruptible } from './setup/interruption.mjs';
import { provideNode } from './setup/node.mjs';
import { isAtLeast, OLDEST_NODE } from './setup/node-version.mjs';
import { root } from './setup/places.mjs';
import { runProgram } from './setup/program.mjs';
import { pinOfficialWorkers } from './setup/worker.mjs';
import { checkGiven, setup } from './setup.mjs';

/** Exit code of an unknown command or invalid arguments. */
const USAGE = 2;

const HELP = `Usage: node scripts/run.mjs <command> [arguments]

  demo [arguments]   run a whole cluster on this machine (npm run demo)
                     "demo --help" lists the arguments
  test [arguments]   run the tests (npm test)
  chaos [arguments]  disturb a cluster at random and account for every message (npm run chaos)
                     "chaos --help" lists the arguments
  bench [arguments]  measure the cost of failures (npm run bench)
                     "bench --help" lists the benchmarks
  docs [dev]         build the documentation site into docs/.vitepress/dist and
                     check its links (npm run docs); "dev" serves it
  setup [--browser]  only prepare the checkout (npm run setup),
                     with --browser also for tests and benchmarks
  setup --pin-worker [platform...]
                     write the hash of mediasoup's prebuilt media worker into
                     scripts/worker/pins.json, without running it

Each command first installs missing parts, once: the npm packages, Node 24 if
this one is older, the media worker and, for tests and benchmarks, the browsers.

Environment
  REJOIN_CACHE_DIR      directory for built workers (default: rejoin in the user's cache directory)
  MEDIASOUP_WORKER_BIN  a media worker to use instead of installing one
  CHROMIUM_PATH         a Chromium or Chrome to use for tests and benchmarks
  FIREFOX_PATH          a Firefox to use for tests (default: Debian's firefox-esr)
`;

/**
 * Programs that run on a prepared checkout. `checks`: with REJOIN_CHECK_ONLY the program only validates its options.
 */
const PROGRAMS = {
  demo: { program: ['src', 'server', 'cli.ts'], args: ['dev'], browser: false, checks: true },
  test: { program: ['scripts', 'test.mjs'], args: [], browser: true, checks: false },
  chaos: { program: ['test', 'chaos', 'chaos.ts'], args: [], browser: true, checks: true },
  bench: { program: ['bench', 'bench.ts'], args: [], browser: true, checks: true },
};

const commands = {
  demo: (args) => runReady('demo', args),
  test: (args) => runReady('test', args),
  chaos: (args) => runReady('chaos', args),
  bench: (args) => runReady('bench', args),

  async docs(args) {
    // No media worker, because the docs do not need one.
    const node = await preparePackages();
    return runProgram(node, [join(root, 'scripts', 'docs', 'build.ts'), ...args], process.env);
  },

  async setup(args) {
    if (asksForHelp(args)) return help();
    if (args[0] === '--pin-worker') return pinWorker(args.slice(1));
    const installation = await setup({ browser: args.includes('--browser') });
    const names = { node: 'Node', workerBin: 'media worker', chromium: 'Chromium' };
    for (const [key, path] of Object.entries(installation)) console.log(`${names[key].padEnd(14)}${path}`);
    return 0;
  },
};

process.exit(await main(process.argv.slice(2)));

async function main([name, ...args]) {
  if (name === '--help' || name === '-h' || name === 'help') return help();
  if (!Object.hasOwn(commands, name ?? '')) {
    process.stderr.write(`${name ? `Unknown command "${name}".\n\n` : ''}${HELP}`);
    return USAGE;
  }
  if (!isAtLeast(process.version, OLDEST_NODE)) {
    const needed = `Set-up needs Node ${OLDEST_NODE[0]} or newer; this is ${process.version}.`;
    process.stderr.write(`NodeTooOld: ${needed} Install it; set-up then fetches a newer one for the servers.\n`);
    return 1;
  }
  const mistake = mistakeIn(name, args);
  if (mistake !== undefined) {
    process.stderr.write(`${mistake}\n\nNothing was started. See "npm run ${name} -- --help".\n`);
    return USAGE;
  }

  try {
    return await commands[name](args);
  } catch (error) {
    if (error instanceof Interruption) return 128 + constants.signals[error.signal];
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`\n${error.name}: ${error.message}\n`);
    return 1;
  }
}

/** Runs a program on a prepared checkout. Validates its options first, because preparing may take minutes. */
async function runReady(name, args) {
  const { program, args: own, browser, checks } = PROGRAMS[name];
  const command = [join(root, ...program), ...own, ...args];
  checkGiven({ browser });
  if (asksForHelp(args)) return runProgram(await preparePackages(), command, process.env);
  if (checks && args.length > 0) {
    const code = await runProgram(await preparePackages(), command, { ...process.env, REJOIN_CHECK_ONLY: '1' });
    if (code !== 0) return code;
  }
  const { node, workerBin, chromium } = await setup({ browser });
  await provideBundles({ log: process.stderr, node });
  const env = { ...process.env, MEDIASOUP_WORKER_BIN: workerBin, ...(chromium ? { CHROMIUM_PATH: chromium } : {}) };
  return runProgram(node, command, env);
}

/** Installs the packages and a Node for them, which takes seconds. */
function preparePackages() {
  return interruptible(async () => {
    await installDependencies(process.stderr);
    return provideNode(process.stderr);
  });
}

async function pinWorker(platforms) {
  const lines = await interruptible(async () => {
    await installDependencies(process.stderr);
    return pinOfficialWorkers(process.stderr, platforms);
  });
  console.log(lines.join('\n'));
  console.log('\nBefore you commit the pins, compare each with the digest on the release page of mediasoup.');
  return 0;
}

function help() {
  process.stdout.write(HELP);
  return 0;
}

// The entry of `npm run demo`, `npm test`, `npm run bench` and `npm run setup`: makes the checkout ready, then runs what
// was asked for.

import { constants } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { provideBundles } from './setup/bundle.mjs';
import { installDependencies } from './setup/dependencies.mjs';
import { Failure } from './setup/failure.mjs';
import { Interruption, interruptible } from './setup/interruption.mjs';
import { provideNode } from './setup/node.mjs';
import { root } from './setup/places.mjs';
import { runProgram } from './setup/program.mjs';
import { pinOfficialWorkers } from './setup/worker.mjs';
import { setup } from './setup.mjs';

const OLDEST_NODE = 20;

const HELP = `Usage: node scripts/run.mjs <command> [arguments]

  demo [arguments]   run a whole cluster on this machine (npm run demo)
                     "demo --help" lists the arguments
  test [arguments]   run the tests (npm test)
  chaos [arguments]  harm a cluster at random and account for what is lost (npm run chaos)
                     "chaos --help" lists the arguments
  bench [arguments]  measure what failures cost (npm run bench)
                     "bench --help" lists what can be measured
  docs [arguments]   build the reference of the SDKs into docs/api (npm run docs)
                     "docs --help" lists the arguments
  setup [--browser]  only make everything ready (npm run setup),
                     with --browser also what tests and benchmarks need
  setup --pin-worker [platform...]
                     write the hash of mediasoup's prebuilt media worker into
                     scripts/worker/pins.json, without running it

Each of them first installs what is missing, once: the npm packages, Node 24,
the media worker and, for tests and benchmarks, the browsers.

Environment
  REJOIN_CACHE_DIR      where built workers are kept (default: rejoin in the user's cache directory)
  MEDIASOUP_WORKER_BIN  a media worker to use instead of providing one
  CHROMIUM_PATH         a Chromium or Chrome to use for tests and benchmarks
  FIREFOX_PATH          a Firefox to use for tests (default: Debian's firefox-esr)
`;

const commands = {
  async demo(args) {
    const { node, workerBin } = await setup();
    await provideBundles({ log: process.stderr, node });
    const cli = join(root, 'src', 'server', 'cli.ts');
    return runProgram(node, [cli, 'dev', ...args], { ...process.env, MEDIASOUP_WORKER_BIN: workerBin });
  },

  async test(args) {
    const { node, workerBin, chromium } = await setup({ browser: true });
    await provideBundles({ log: process.stderr, node });
    const env = { ...process.env, MEDIASOUP_WORKER_BIN: workerBin, CHROMIUM_PATH: chromium };
    return runProgram(node, [join(root, 'scripts', 'test.mjs'), ...args], env);
  },

  async chaos(args) {
    const { node, workerBin, chromium } = await setup({ browser: true });
    await provideBundles({ log: process.stderr, node });
    const env = { ...process.env, MEDIASOUP_WORKER_BIN: workerBin, CHROMIUM_PATH: chromium };
    return runProgram(node, [join(root, 'test', 'chaos', 'chaos.ts'), ...args], env);
  },

  async bench(args) {
    const { node, workerBin, chromium } = await setup({ browser: true });
    await provideBundles({ log: process.stderr, node });
    const env = { ...process.env, MEDIASOUP_WORKER_BIN: workerBin, CHROMIUM_PATH: chromium };
    return runProgram(node, [join(root, 'bench', 'bench.ts'), ...args], env);
  },

  async docs(args) {
    // No media worker: prose does not need one.
    const node = await interruptible(async () => {
      await installDependencies(process.stderr);
      return provideNode(process.stderr);
    });
    const cli = join(root, 'node_modules', 'typedoc', 'bin', 'typedoc');
    const hook = new URL('docs/typescript-api.mjs', import.meta.url).href;
    return runProgram(node, ['--import', hook, cli, ...args], process.env);
  },

  async setup(args) {
    if (args.includes('--help')) return help();
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
    process.stderr.write(`${name ? `There is no command "${name}".\n\n` : ''}${HELP}`);
    return 2;
  }
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    process.stderr.write(`Node ${OLDEST_NODE} or newer is needed to start with; this is ${process.version}.\n`);
    return 1;
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

async function pinWorker(platforms) {
  const lines = await interruptible(async () => {
    await installDependencies(process.stderr);
    return pinOfficialWorkers(process.stderr, platforms);
  });
  console.log(lines.join('\n'));
  console.log('\nCompare each with the digest that the release page of mediasoup shows before you commit the pins.');
  return 0;
}

function help() {
  process.stdout.write(HELP);
  return 0;
}

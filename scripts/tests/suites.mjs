/** The parts of the test suite, and the processes that run them. */
import { glob, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failedInPlaywright, failedInTap } from './failed-tests.mjs';

/**
 * @typedef {object} Outcome
 * @property {number} passed
 * @property {number} failed
 * @property {string[]} names of the failed tests, with their messages
 *
 * @typedef {object} Task a process that runs a part
 * @property {string} title
 * @property {readonly string[]} args for Node
 * @property {NodeJS.ProcessEnv} env added to that of this process
 * @property {'machine' | 'private'} network in which it runs while other lanes run
 * @property {(code: number) => Promise<Outcome>} outcome of the process, from its exit code
 */

/** Time limit of one test in each folder, ms. */
const FOLDERS = {
  unit: 60_000,
  package: 60_000,
  integration: 120_000,
  doors: 120_000,
  hosts: 240_000,
  browsers: 120_000,
  chaos: 300_000,
};

/**
 * `package` uses the registry, `hosts` makes its own networks, and Firefox cannot reach its own addresses without a
 * default route. No two of these run at the same time, except `hosts` beside another.
 */
const IN_MACHINE = ['package', 'hosts', 'browsers'];

/** @returns {Promise<Task>} the whole part in one process */
export function wholeSuite(suite, args = []) {
  return suite === 'e2e' ? playwrightTask(args) : nodeTask(suite, args);
}

/** @returns {Promise<Task>} these files of unit tests */
export function someUnits(files) {
  return nodeTask('unit', [], (file) => files.includes(file));
}

async function nodeTask(suite, args, isWanted = () => true) {
  const files = [];
  for await (const file of glob(`test/${suite}/**/*.test.ts`)) files.push(file);
  const report = reportOf(suite, 'tap');
  const flags = [
    '--test',
    // Clusters run one after the other, because two in one network would take each other's ports.
    '--test-concurrency=1',
    '--test-force-exit',
    `--test-timeout=${FOLDERS[suite]}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=tap',
    `--test-reporter-destination=${report}`,
  ];
  return {
    title: suite,
    args: [...flags, ...args, ...files.sort().filter(isWanted)],
    env: {},
    network: IN_MACHINE.includes(suite) ? 'machine' : 'private',
    async outcome(code) {
      const summary = await take(report, '');
      const count = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(summary)?.[1] ?? 0);
      // A skipped or cancelled test has not passed.
      const failed = count('fail') + count('cancelled') + count('skipped') + count('todo');
      return checked(code, count('pass'), failed, failedInTap(summary));
    },
  };
}

async function playwrightTask(args) {
  const report = reportOf('e2e', 'json');
  const cli = join('node_modules', 'playwright', 'cli.js');
  return {
    title: 'e2e',
    args: [cli, 'test', '--config', 'test/e2e/playwright.config.ts', ...args],
    env: { PLAYWRIGHT_JSON_OUTPUT_NAME: report },
    network: 'private',
    async outcome(code) {
      const all = JSON.parse(await take(report, '{}'));
      const { expected = 0, unexpected = 0, flaky = 0, skipped = 0 } = all.stats ?? {};
      return checked(code, expected, unexpected + flaky + skipped, failedInPlaywright(all));
    },
  };
}

/** A runner that fails without naming a test, or finds no test, has failed, too. */
function checked(code, passed, failed, names) {
  const isBroken = failed === 0 && (code !== 0 || passed === 0);
  return isBroken
    ? { passed, failed: 1, names: [`the runner ended with code ${code} after ${passed} tests`] }
    : { passed, failed, names };
}

function reportOf(suite, extension) {
  return join(tmpdir(), `rejoin-tests-${process.pid}-${suite}.${extension}`);
}

async function take(file, otherwise) {
  const text = await readFile(file, 'utf8').catch(() => otherwise);
  await rm(file, { force: true });
  return text;
}

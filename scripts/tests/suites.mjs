/** The parts of the test suite, and the processes that run them. */
import { glob, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { failedInPlaywright, failedInTap } from './failed-tests.mjs';

/**
 * @typedef {object} Outcome
 * @property {number} passed
 * @property {number} failed
 * @property {string[]} names of the tests that failed, with what each said
 *
 * @typedef {object} Task a process that runs a part
 * @property {string} title
 * @property {readonly string[]} args for Node
 * @property {NodeJS.ProcessEnv} env besides that of this process
 * @property {'machine' | 'private'} network where it may run beside others
 * @property {(code: number) => Promise<Outcome>} outcome of the process, which ended with this code
 */

/** How long one test of each folder may take, ms. */
const FOLDERS = {
  unit: 60_000,
  package: 60_000,
  integration: 120_000,
  doors: 120_000,
  hosts: 240_000,
  browsers: 120_000,
  chaos: 300_000,
};

/** These start nothing that would feel another test beside it. */
const LIGHT = ['unit'];
/**
 * `package` asks the registry, `hosts` makes networks of its own, and Firefox finds no way to itself without a route to the world.
 * No two of these run at the same time, but for `hosts`.
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
    // Clusters one after the other: two of those in one network would take each other's ports.
    `--test-concurrency=${LIGHT.includes(suite) ? availableParallelism() : 1}`,
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
      // A test that is skipped or cancelled has not passed.
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

/** A runner that fails without naming a test, or finds none, has failed too. */
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

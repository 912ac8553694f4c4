/**
 * The parts of the test suite, and the processes that run them. A part may be cut into several processes, which run at the
 * same time.
 */
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
 * @typedef {object} Task a process that runs a part, or a piece of it
 * @property {string} suite
 * @property {string} title the part, and which piece of it
 * @property {readonly string[]} args for Node
 * @property {NodeJS.ProcessEnv} env besides that of this process
 * @property {boolean} isOnline needs the network of the machine
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
/** `package` asks the registry; `hosts` makes networks of its own. */
const ONLINE = ['package', 'hosts'];

/** @returns {Promise<Task>} the whole part in one process */
export function wholeSuite(suite, args = []) {
  return suite === 'e2e' ? playwrightTask('e2e', args) : nodeTask(suite, suite, args);
}

/** @returns {Promise<Task>} piece `index` of `count`, from 1 */
export function pieceOf(suite, index, count) {
  const title = `${suite} ${index}/${count}`;
  return suite === 'e2e'
    ? playwrightTask(title, [`--shard=${index}/${count}`, '--output', join('test-results', `e2e-${index}`)])
    : nodeTask(suite, title, [], (_, at) => at % count === index - 1);
}

/** @returns {Promise<Task>} these files of unit tests */
export function someUnits(files) {
  return nodeTask('unit', 'unit, as far as changed', [], (file) => files.includes(file));
}

async function nodeTask(suite, title, args, isOfPiece = () => true) {
  const files = [];
  for await (const file of glob(`test/${suite}/**/*.test.ts`)) files.push(file);
  const report = reportOf(title, 'tap');
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
    suite,
    title,
    args: [...flags, ...args, ...files.sort().filter(isOfPiece)],
    env: {},
    isOnline: ONLINE.includes(suite),
    async outcome(code) {
      const summary = await take(report, '');
      const count = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(summary)?.[1] ?? 0);
      // A test that is skipped or cancelled has not passed.
      const failed = count('fail') + count('cancelled') + count('skipped') + count('todo');
      return checked(code, count('pass'), failed, failedInTap(summary));
    },
  };
}

async function playwrightTask(title, args) {
  const report = reportOf(title, 'json');
  const cli = join('node_modules', 'playwright', 'cli.js');
  return {
    suite: 'e2e',
    title,
    args: [cli, 'test', '--config', 'test/e2e/playwright.config.ts', ...args],
    env: { PLAYWRIGHT_JSON_OUTPUT_NAME: report },
    isOnline: false,
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

function reportOf(title, extension) {
  return join(tmpdir(), `rejoin-tests-${process.pid}-${title.replaceAll(/\W/g, '-')}.${extension}`);
}

async function take(file, otherwise) {
  const text = await readFile(file, 'utf8').catch(() => otherwise);
  await rm(file, { force: true });
  return text;
}

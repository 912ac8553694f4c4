/**
 * The whole test suite: units, the package, integration and two minutes of chaos with Node's test runner, the demo room
 * with Playwright, calls in several browsers with Puppeteer. `npm test` runs it after set-up and build; `npm test -- unit`
 * or `package`, `integration`, `e2e`, `browsers`, `chaos` runs a part, and what follows its name is passed to its runner.
 */
import { spawn } from 'node:child_process';
import { glob, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failedInPlaywright, failedInTap } from './failed-tests.mjs';
import { SUITES as NAMES } from './setup/arguments.mjs';

const SUITES = {
  unit: (args) => nodeTests('test/unit', 60_000, args),
  package: (args) => nodeTests('test/package', 60_000, args),
  integration: (args) => nodeTests('test/integration', 120_000, args),
  doors: (args) => nodeTests('test/doors', 120_000, args),
  hosts: (args) => nodeTests('test/hosts', 240_000, args),
  e2e: (args) => playwrightTests(args),
  browsers: (args) => nodeTests('test/browsers', 120_000, args),
  chaos: (args) => nodeTests('test/chaos', 300_000, args),
};

const HELP = `npm test [-- unit|package|integration|doors|hosts|e2e|browsers|chaos [arguments for its runner]]

  unit          protocol, back-off, state machine, store …
  package       what npm publishes: its manifest and types, installed, bundled and loaded in Chromium
  integration   over real processes and sockets; processes are killed for real
  doors         what an intruder tries: each door in SECURITY.md, over raw sockets
  hosts         every node on a host of its own, in network namespaces; hosts lose power, links lose packets
  e2e           the demo room in Chromium, with fake camera and microphone
  browsers      calls in Chromium and in Firefox, and the signalling in Safari's engine
  chaos         two minutes of faults at random; "npm run chaos -- --help" for longer ones

  SEED=n        replays the random parts of a run that has failed
`;

async function nodeTests(folder, timeoutMs, args) {
  const files = [];
  for await (const file of glob(`${folder}/**/*.test.ts`)) files.push(file);
  const report = join(tmpdir(), `rejoin-tests-${process.pid}.tap`);
  // Files one after the other: they start clusters, and two of those on a small machine would test its scheduler.
  const flags = [
    '--test',
    '--test-concurrency=1',
    '--test-force-exit',
    `--test-timeout=${timeoutMs}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=tap',
    `--test-reporter-destination=${report}`,
  ];
  const code = await run(process.execPath, [...flags, ...args, ...files.sort()]);
  const summary = await readFile(report, 'utf8').catch(() => '');
  await rm(report, { force: true });
  const count = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(summary)?.[1] ?? 0);
  // A test that is skipped or cancelled has not passed.
  const failed = count('fail') + count('cancelled') + count('skipped') + count('todo');
  return { code, passed: count('pass'), failed, names: failedInTap(summary) };
}

async function playwrightTests(args) {
  const report = join(tmpdir(), `rejoin-e2e-${process.pid}.json`);
  const cli = join('node_modules', 'playwright', 'cli.js');
  const env = { ...process.env, PLAYWRIGHT_JSON_OUTPUT_NAME: report };
  const code = await run(process.execPath, [cli, 'test', '--config', 'test/e2e/playwright.config.ts', ...args], env);
  const text = await readFile(report, 'utf8').catch(() => '{}');
  await rm(report, { force: true });
  const all = JSON.parse(text);
  const { expected = 0, unexpected = 0, flaky = 0, skipped = 0 } = all.stats ?? {};
  return { code, passed: expected, failed: unexpected + flaky + skipped, names: failedInPlaywright(all) };
}

/** Signals reach the whole process group of the terminal, or are passed on by the parent: this only waits. */
function run(command, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', env });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ? 1 : (code ?? 1)));
  });
}

async function main([first, ...rest]) {
  if (first === '--help' || first === '-h') {
    process.stdout.write(HELP);
    return 0;
  }
  if (first !== undefined && !Object.hasOwn(SUITES, first)) {
    process.stderr.write(`There is no suite "${first}".\n\n${HELP}`);
    return 2;
  }
  const names = first === undefined ? NAMES : [first];
  const total = { passed: 0, failed: 0 };
  const failures = [];
  for (const name of names) {
    process.stdout.write(`\n── ${name} ──\n`);
    const { code, passed, failed, names: failedNames } = await SUITES[name](rest);
    // A runner that fails without naming a test, or finds none, has failed too.
    const broken = failed === 0 && (code !== 0 || passed === 0) ? 1 : 0;
    total.passed += passed;
    total.failed += failed + broken;
    failures.push(...failedNames.map((one) => `${name}: ${one}`));
    process.stdout.write(`${name}: ${passed} passed, ${failed + broken} failed\n`);
  }
  if (failures.length > 0) process.stdout.write(`\nFailed:\n  ${failures.join('\n  ')}\n`);
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
  return total.failed === 0 ? 0 : 1;
}

process.channel?.unref();
process.exit(await main(process.argv.slice(2)));

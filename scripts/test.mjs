/**
 * The whole test suite: units, the package, integration and two minutes of chaos with Node's test runner, the demo
 * room with Playwright, calls in several browsers with Puppeteer. `npm test` runs it after set-up and build. `npm
 * test -- unit` or `package`, `integration`, `e2e`, `browsers`, `chaos` runs a part; further arguments are for its
 * runner.
 */
import { CHANGED, SUITES } from './setup/arguments.mjs';
import { changedFiles, testsOf } from './tests/changed.mjs';
import { runAlone, runInLanes } from './tests/lanes.mjs';
import { networkFault } from './tests/private-network.mjs';
import { someUnits, wholeSuite } from './tests/suites.mjs';

const HELP = `npm test [-- unit|package|integration|doors|hosts|e2e|browsers|chaos [arguments for its runner]]
npm test -- --changed

  unit          protocol, back-off, state machine, store …
  package       the npm package: its manifest and types, installed, bundled and loaded in Chromium
  integration   over real processes and sockets; processes are really killed
  doors         attacks on each door in SECURITY.md, over raw sockets
  hosts         every node on its own host, in network namespaces; hosts lose power, links lose packets
  e2e           the demo room in Chromium, with fake camera and microphone
  browsers      calls in Chromium and in Firefox, and the signalling in Safari's engine
  chaos         two minutes of random faults; "npm run chaos -- --help" for longer runs

Without a name, all parts run.
With --changed, only the unit tests run that your changes since the last commit affect. Without changes, those of the
last commit count. "npm test -- unit --watch" runs the affected unit tests after each change, until you end it.

  SEED=n        replays the random parts of a failed run
  TEST_LANES=2  runs two parts at a time, which takes two thirds of the time and a machine that does nothing else
`;

/**
 * These run first and alone: units take little and tell of most mistakes, a browser that gets too little of the processor sends a
 * smaller picture, and chaos takes both cores.
 */
const ALONE = ['unit', 'package', 'browsers', 'chaos'];
/** Then these lanes run at the same time. Most of their time is waiting. */
const LANES = [
  ['e2e', 'hosts'],
  ['integration', 'doors'],
];

async function runAll() {
  const outcomes = [];
  const hasLanes = wantsLanes();
  for (const name of hasLanes ? ALONE : SUITES) outcomes.push(await runAlone(await wholeSuite(name)));
  if (!hasLanes) return outcomes;
  const lanes = await Promise.all(LANES.map((names) => Promise.all(names.map((name) => wholeSuite(name)))));
  return [...outcomes, ...(await runInLanes(lanes))];
}

/** By default the parts run in sequence, because beside another part, tests that measure time meet a slower machine than they expect. */
function wantsLanes() {
  if (process.env.TEST_LANES !== '2') return false;
  const fault = networkFault();
  if (fault) process.stdout.write(`All parts run one after the other: ${fault}\n`);
  return !fault;
}

async function runChanged() {
  const changed = changedFiles();
  const files = await testsOf(changed);
  if (files.length > 0) return [await runAlone(await someUnits(files))];
  process.stdout.write(`No unit test uses the changed files: ${changed.join(' ') || 'none'}\n`);
  return [];
}

function run(name, args) {
  if (name === undefined) return runAll();
  if (name === CHANGED) return runChanged();
  return wholeSuite(name, args).then(async (task) => [await runAlone(task)]);
}

async function main([first, ...rest]) {
  if (first === '--help' || first === '-h') {
    process.stdout.write(HELP);
    return 0;
  }
  if (first !== undefined && first !== CHANGED && !SUITES.includes(first)) {
    process.stderr.write(`Unknown suite "${first}".\n\n${HELP}`);
    return 2;
  }
  const outcomes = await run(first, rest);
  const sum = (key) => outcomes.reduce((total, outcome) => total + outcome[key], 0);
  const failures = outcomes.flatMap(({ names }) => names);
  if (failures.length > 0) process.stdout.write(`\nFailed:\n  ${failures.join('\n  ')}\n`);
  process.stdout.write(`\n${sum('passed')} passed, ${sum('failed')} failed\n`);
  return sum('failed') === 0 ? 0 : 1;
}

process.channel?.unref();
process.exit(await main(process.argv.slice(2)));

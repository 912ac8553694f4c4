/**
 * The whole test suite: units, the package, integration and two minutes of chaos with Node's test runner, the demo room
 * with Playwright, calls in several browsers with Puppeteer. `npm test` runs it after set-up and build; `npm test -- unit`
 * or `package`, `integration`, `e2e`, `browsers`, `chaos` runs a part, and what follows its name is passed to its runner.
 */
import { CHANGED, SUITES } from './setup/arguments.mjs';
import { changedFiles, testsOf } from './tests/changed.mjs';
import { runAlone, runInLanes } from './tests/lanes.mjs';
import { networkFault } from './tests/private-network.mjs';
import { someUnits, wholeSuite } from './tests/suites.mjs';

const HELP = `npm test [-- unit|package|integration|doors|hosts|e2e|browsers|chaos [arguments for its runner]]
npm test -- --changed

  unit          protocol, back-off, state machine, store …
  package       what npm publishes: its manifest and types, installed, bundled and loaded in Chromium
  integration   over real processes and sockets; processes are killed for real
  doors         what an intruder tries: each door in SECURITY.md, over raw sockets
  hosts         every node on a host of its own, in network namespaces; hosts lose power, links lose packets
  e2e           the demo room in Chromium, with fake camera and microphone
  browsers      calls in Chromium and in Firefox, and the signalling in Safari's engine
  chaos         two minutes of faults at random; "npm run chaos -- --help" for longer ones

Without a name all of them run, two at a time, where the system gives them networks of their own.
With --changed the units run that what differs from the last commit concerns; if nothing differs, the last commit.
"npm test -- unit --watch" runs those that each change concerns, until it is ended.

  SEED=n        replays the random parts of a run that has failed
  TEST_LANES=1  one after the other
`;

/** Of the whole suite: these first and alone, as they take the least and tell of most mistakes. */
const FIRST = ['unit', 'package'];
/** Then these at the same time. Browsers take a core, and the rest mostly waits. */
const LANES = [
  ['browsers', 'e2e', 'chaos', 'doors'],
  ['integration', 'hosts'],
];

async function runAll() {
  const outcomes = [];
  const fault = process.env.TEST_LANES === '1' ? 'TEST_LANES is 1' : networkFault();
  if (fault) process.stdout.write(`All parts run one after the other: ${fault}\n`);
  for (const name of fault ? SUITES : FIRST) outcomes.push(await runAlone(await wholeSuite(name)));
  if (fault) return outcomes;
  const lanes = await Promise.all(LANES.map((names) => Promise.all(names.map((name) => wholeSuite(name)))));
  return [...outcomes, ...(await runInLanes(lanes))];
}

async function runChanged() {
  const changed = changedFiles();
  const files = await testsOf(changed);
  if (files.length > 0) return [await runAlone(await someUnits(files))];
  process.stdout.write(`No unit test uses what is changed: ${changed.join(' ') || 'nothing'}\n`);
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
    process.stderr.write(`There is no suite "${first}".\n\n${HELP}`);
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

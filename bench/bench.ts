/** `npm run bench`: measures the cost of failures, next to the same work without a cluster. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { onEndSignals, onParentGone } from '../src/server/cli/end-signals.ts';
import { BROWSER_KINDS, type BrowserKind } from '../test/fixtures/browsers/browser-kind.ts';
import { BenchError } from './bench-error.ts';
import type { Benchmark } from './benchmark.ts';
import { badLinks, LINK_NAMES, type LinkName } from './benchmarks/bad-links.ts';
import { drain } from './benchmarks/drain.ts';
import { join as joinBenchmark } from './benchmarks/join.ts';
import { mediaCrash } from './benchmarks/media-crash.ts';
import { ownerCrash } from './benchmarks/owner-crash.ts';
import { powerLoss } from './benchmarks/power-loss.ts';
import { storm } from './benchmarks/storm.ts';
import { Cleanup } from './cleanup.ts';
import { loadNow, thisMachine } from './report/machine.ts';
import { toMarkdown } from './report/markdown.ts';
import { type BenchmarkReport, type Report, reportOf, toJson } from './report/report.ts';
import { toText } from './report/table.ts';

const BENCHMARKS: readonly Benchmark[] = [ownerCrash, mediaCrash, powerLoss, badLinks, drain, storm, joinBenchmark];
const ALL = 'all';
const PAGE = join('docs', 'performance.md');
const PAGE_PATH = join(import.meta.dirname, '..', PAGE);
const INTERRUPTED = 130;
/** Exit code of options that are unknown or do not go together. */
const USAGE = 2;

interface Flags {
  readonly json: boolean;
  readonly trials?: number;
  readonly connections: number;
  readonly browser?: BrowserKind;
  readonly link?: LinkName;
  readonly write: boolean;
}

const cleanup = new Cleanup();
let interrupted = false;
const interrupt = (): void => {
  interrupted = true;
  void cleanup.run().finally(() => process.exit(INTERRUPTED));
};
onEndSignals(interrupt, () => process.exit(INTERRUPTED));
onParentGone(interrupt);

const names = [...BENCHMARKS.map(({ name }) => name), ALL];
const list = BENCHMARKS.map(
  ({ name, title, trials }) => `  ${name.padEnd(12)} ${title}; ${trials} ${trials === 1 ? 'trial' : 'trials'}`,
).join('\n');
const program = new Command('npm run bench --')
  .description('Measures the cost of failures, next to the same work without a cluster.')
  .addArgument(new Argument('<name>', 'what to measure').choices(names))
  .option('--json', 'print one JSON document instead of tables', false)
  .option('--trials <n>', 'number of measurements (default: as below)', count)
  .option('--connections <n>', 'number of connections of the storm', count, 5_000)
  .addOption(new Option('--browser <name>', 'measure only in this browser').choices(BROWSER_KINDS))
  .addOption(new Option('--link <name>', 'bad-links: measure only this link').choices(LINK_NAMES))
  .option('--write', `with "all": write ${PAGE}`, false)
  .addHelpText(
    'after',
    `
Benchmarks:
${list}

Progress goes to stderr. The exit code is 0 when everything was measured, whether or not targets are met, and 1 when a
run could not be carried out or something was lost.`,
  )
  .action(run);
try {
  await program.exitOverride().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exit(error.exitCode === 0 ? 0 : USAGE);
}

async function run(name: string, { json, trials, connections, browser, link, write }: Flags): Promise<void> {
  if (write && name !== ALL) program.error('error: --write goes with "all": the page has every benchmark.');
  const chosen = BENCHMARKS.filter((one) => name === ALL || one.name === name);
  for (const { name: of, browsers } of browser ? chosen : []) {
    if (browser && !browsers.includes(browser)) program.error(`error: ${of} is not measured in ${browser}.`);
  }
  if (process.env['REJOIN_CHECK_ONLY'] !== undefined) return;
  const loadBefore = loadNow();
  const date = new Date();
  const seen = new Map<BrowserKind, string>();
  const benchmarks: BenchmarkReport[] = [];
  try {
    for (const benchmark of chosen) {
      const began = performance.now();
      const times = trials ?? benchmark.trials;
      const measured = await benchmark.run({
        trials: times,
        connections,
        browsers: browser ? [browser] : benchmark.browsers,
        link,
        cleanup,
        progress: (text) => process.stderr.write(`${elapsed(began)} ${benchmark.name}: ${text}\n`),
        sawBrowser: (kind, version) => seen.set(kind, version),
      });
      await cleanup.run();
      const { name: of, title } = benchmark;
      const seconds = (performance.now() - began) / 1_000;
      const report = reportOf({ name: of, title, trials: times, ...measured }, seconds);
      benchmarks.push(report);
      if (!json) process.stdout.write(`\n${toText(report)}\n\n`);
    }
    const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`;
    const report: Report = { name, date, command, machine: thisMachine(loadBefore, [...seen.values()]), benchmarks };
    if (json) process.stdout.write(`${toJson(report)}\n`);
    if (write) await writeFile(PAGE_PATH, toMarkdown(report));
  } catch (error) {
    // Ignore failures that the interruption caused.
    if (interrupted) return;
    await cleanup.run();
    process.stderr.write(`\n${describeFailure(error)}\n`);
    process.exit(1);
  }
  const lost = benchmarks.flatMap(({ results }) => results.filter(({ verdict }) => verdict?.isLoss));
  for (const { what } of lost) process.stderr.write(`Lost: ${what}\n`);
  process.exit(lost.length > 0 ? 1 : 0);
}

/** Describes our own errors by name and message, all others with their stack. */
function describeFailure(error: unknown): string {
  if (error instanceof BenchError || (error instanceof Error && error.name === 'ClusterError')) {
    return `${error.name}: ${error.message}`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function elapsed(began: number): string {
  return `${((performance.now() - began) / 1_000).toFixed(1)} s`.padStart(8);
}

function count(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('Pass a whole number of at least 1.');
  return number;
}

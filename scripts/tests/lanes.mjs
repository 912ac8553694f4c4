/** Runs tasks of the test suite at the same time. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { inPrivateNetwork } from './private-network.mjs';

const PROGRESS_MS = 60_000;

/**
 * @typedef {import('./suites.mjs').Task} Task
 * @typedef {import('./suites.mjs').Outcome} Outcome
 */

/**
 * Runs one task, whose process writes to the output of this one.
 *
 * @param {Task} task
 * @returns {Promise<Outcome>}
 */
export async function runAlone(task) {
  process.stdout.write(`\n── ${task.title} ──\n`);
  const child = spawn(process.execPath, task.args, { stdio: 'inherit', env: { ...process.env, ...task.env } });
  return outcomeOf(task, await endOf(child), 0);
}

/**
 * Runs the tasks of each lane one after the other, and the lanes at the same time. Prints the output of each task after
 * its end, and the running tasks once a minute.
 *
 * @param {readonly (readonly Task[])[]} lanes
 * @returns {Promise<Outcome[]>}
 */
export async function runInLanes(lanes) {
  const folder = await mkdtemp(join(tmpdir(), 'rejoin-lanes-'));
  const running = new Map();
  const runLane = async (tasks) => {
    const outcomes = [];
    for (const task of tasks) {
      running.set(task.title, performance.now());
      outcomes.push(await runInLane(task, join(folder, task.title), running));
    }
    return outcomes;
  };
  const progress = setInterval(() => {
    const titles = [...running].map(([title, from]) => `${title} (${secondsSince(from)} s)`);
    process.stdout.write(`… ${titles.join(', ')}\n`);
  }, PROGRESS_MS);
  try {
    return (await Promise.all(lanes.map(runLane))).flat();
  } finally {
    clearInterval(progress);
    await rm(folder, { recursive: true, force: true });
  }
}

async function runInLane(task, file, running) {
  const from = performance.now();
  const log = createWriteStream(file);
  const command = [process.execPath, ...task.args];
  const [program, ...args] = task.network === 'machine' ? command : inPrivateNetwork(command);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...task.env } });
  for (const stream of [child.stdout, child.stderr]) stream.pipe(log, { end: false });
  const code = await endOf(child);
  log.end();
  await finished(log);
  running.delete(task.title);
  process.stdout.write(`\n── ${task.title} ──\n${await readFile(file, 'utf8')}`);
  return outcomeOf(task, code, secondsSince(from));
}

async function outcomeOf(task, code, seconds) {
  const outcome = await task.outcome(code);
  const took = seconds ? `, in ${seconds} s` : '';
  process.stdout.write(`${task.title}: ${outcome.passed} passed, ${outcome.failed} failed${took}\n`);
  return { ...outcome, names: outcome.names.map((name) => `${task.title}: ${name}`) };
}

/** Signals reach the whole process group of the terminal, or the parent forwards them, so this function only waits. */
function endOf(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ? 1 : (code ?? 1)));
  });
}

function secondsSince(from) {
  return Math.round((performance.now() - from) / 1_000);
}

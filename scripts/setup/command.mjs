import { spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { interruption } from './interruption.mjs';

/** Enough of an output to see both what went wrong first and how it ended. */
const HEAD = 15;
const TAIL = 30;
const PATIENCE = 5_000;

/**
 * @typedef {object} Outcome
 * @property {boolean} ok whether the command ended by itself with exit code 0
 * @property {string} how how it ended otherwise, in words
 * @property {string} output what it printed, without the middle if that was much
 */

/**
 * Runs a command to its end without showing what it prints. It never outlives an interruption of set-up.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {(line: string) => void} [options.onLine] called with every line that it prints
 * @param {AbortSignal} [options.signal] ends it early, with the reason's message as the outcome
 * @param {NodeJS.Signals} [options.gentleSignal] for a command that must not be killed half-way: the signal by which it
 *   stops when it safely can
 * @returns {Promise<Outcome>}
 */
export async function run(file, args, { cwd, env = process.env, onLine, signal, gentleSignal } = {}) {
  interruption().throwIfAborted();
  const stop = AbortSignal.any([interruption(), ...(signal ? [signal] : [])]);
  const lines = [];

  const outcome = await new Promise((resolve) => {
    // In a group of its own, which can be ended as a whole: not every program passes signals on to what it started.
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let killer;
    const end = () => {
      if (gentleSignal) {
        child.kill(gentleSignal);
        return;
      }
      killGroup(child.pid, 'SIGTERM');
      killer = setTimeout(() => killGroup(child.pid, 'SIGKILL'), PATIENCE);
    };
    stop.addEventListener('abort', end, { once: true });

    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(stripVTControlCharacters(line));
        onLine?.(line);
      });
    }

    const settle = (how) => {
      clearTimeout(killer);
      stop.removeEventListener('abort', end);
      resolve(how);
    };
    child.on('error', (error) => settle(error.code === 'ENOENT' ? `there is no command ${file}` : error.message));
    // 'close' comes after the last line was read, 'exit' may come before.
    child.on('close', (code, killedBy) => {
      if (code === 0) settle('');
      else if (stop.aborted) settle(stop.reason.message);
      else settle(killedBy ? `ended by ${killedBy}` : `exit code ${code}`);
    });
  });

  interruption().throwIfAborted();
  return { ok: outcome === '', how: outcome, output: shorten(lines).join('\n') };
}

function killGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

function shorten(lines) {
  return lines.length <= HEAD + TAIL ? lines : [...lines.slice(0, HEAD), '…', ...lines.slice(-TAIL)];
}

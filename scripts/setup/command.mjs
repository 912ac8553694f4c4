import { spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { interruption } from './interruption.mjs';

/** Enough lines of an output to show both the first problem and the end. */
const HEAD = 15;
const TAIL = 30;
const PATIENCE = 5_000;

/**
 * @typedef {object} Outcome
 * @property {boolean} ok whether the command ended by itself with exit code 0
 * @property {string} how how it ended otherwise, in words
 * @property {string} output its output, shortened in the middle
 */

/**
 * Runs a command to its end without showing its output. The command never outlives an interruption of set-up.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {(line: string) => void} [options.onLine] called with every line of output
 * @param {AbortSignal} [options.signal] ends it early, with the reason's message as the outcome
 * @param {NodeJS.Signals} [options.gentleSignal] for a command that must not be killed half-way: it stops at this
 *   signal when it safely can
 * @returns {Promise<Outcome>}
 */
export async function run(file, args, { cwd, env = process.env, onLine, signal, gentleSignal } = {}) {
  interruption().throwIfAborted();
  const stop = AbortSignal.any([interruption(), ...(signal ? [signal] : [])]);
  const lines = [];

  const outcome = await new Promise((resolve) => {
    // In its own process group, which can be ended as a whole, because not every program forwards signals to its
    // children.
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
    child.on('error', (error) => settle(error.code === 'ENOENT' ? `command not found: ${file}` : error.message));
    // 'close' follows the last line; 'exit' may precede it.
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

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './places.mjs';

/** Signals to forward, and as which: a closed terminal is a normal request to stop. */
const PASSED_ON = { SIGINT: 'SIGINT', SIGTERM: 'SIGTERM', SIGHUP: 'SIGTERM', SIGQUIT: 'SIGQUIT', SIGWINCH: 'SIGWINCH' };
/** With npm, a Ctrl-C arrives twice within this time: from the terminal, and from npm. */
const SAME = 500;
/** Time for a program's children to notice its end. */
const GRACE = 2_000;

/**
 * Runs a program in the foreground, as if started directly: it has the terminal, gets every signal exactly once, and
 * its exit code is the result. None of its children outlives it. It has an IPC channel to this process, whose
 * 'disconnect' tells it that this process was killed.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} its exit code, 128 + n if signal n ended it
 */
export async function runProgram(file, args, env) {
  let child;
  const last = {};
  const pass = (signal) => {
    const now = performance.now();
    if (signal !== 'SIGWINCH' && now - (last[signal] ?? -SAME) < SAME) return;
    last[signal] = now;
    child?.kill(PASSED_ON[signal]);
  };
  for (const signal of Object.keys(PASSED_ON)) process.on(signal, pass);

  try {
    const code = await new Promise((resolve, reject) => {
      // Its own process group keeps the terminal's signals away, which would otherwise arrive twice.
      child = spawn(file, args, { cwd: root, env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'], detached: true });
      child.on('error', reject);
      child.on('exit', (exitCode, signal) => resolve(exitCode ?? 128 + constants.signals[signal]));
    });
    await clear(child.pid);
    return code;
  } finally {
    for (const signal of Object.keys(PASSED_ON)) process.off(signal, pass);
  }
}

/** Waits for the rest of a process group to end, and kills the remainder. */
async function clear(group) {
  const deadline = performance.now() + GRACE;
  while (send(group, 0)) {
    if (performance.now() > deadline) {
      send(group, 'SIGKILL');
      return;
    }
    await sleep(20);
  }
}

function send(group, signal) {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

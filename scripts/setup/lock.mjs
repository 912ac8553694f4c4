import {
  accessSync,
  constants,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.mjs';
import { interruption } from './interruption.mjs';
import { cacheDir } from './places.mjs';
import { inStep } from './step.mjs';

const POLL = 250;
/** Age at which the holder counts as dead if its process cannot be checked: no step takes that long. */
const AGES = 30 * 60_000;

/**
 * Runs `work` while no other set-up on this machine runs work under the same name; waits for the other one if
 * necessary.
 *
 * A dead process does not keep its lock.
 *
 * @template T
 * @param {string} name
 * @param {NodeJS.WritableStream} log
 * @param {(state: { abandoned: boolean }) => Promise<T>} work `abandoned`: the previous holder died during its work
 * @returns {Promise<T>}
 */
export async function withLock(name, log, work) {
  const path = join(writableDir(), name);
  const me = JSON.stringify({ pid: process.pid, born: birth(process.pid), host: hostname() });

  let taken = take(path, me);
  if (!taken) {
    taken = await inStep(log, `waiting for another set-up, process ${holder(path)?.pid}`, async () => {
      let result;
      while (!result) {
        await sleep(POLL, undefined, { signal: interruption() }).catch(() => {});
        interruption().throwIfAborted();
        result = take(path, me);
      }
      return result;
    });
  }

  try {
    return await work(taken);
  } finally {
    rmSync(path, { force: true });
  }
}

function writableDir() {
  const dir = join(cacheDir(), 'locks');
  try {
    mkdirSync(dir, { recursive: true });
    accessSync(dir, constants.W_OK);
    return dir;
  } catch (error) {
    throw new Failure(
      'CacheNotWritable',
      `Set-up cannot write to its cache directory: ${error.message}.`,
      'make it writable, or set another one: export REJOIN_CACHE_DIR=/path/of/a/directory',
    );
  }
}

/** Takes the lock if it is free or its holder is dead. */
function take(path, me) {
  if (create(path, me)) return { abandoned: false };

  const other = holder(path);
  if (!other || alive(other, path)) return undefined;

  // Move it aside first, because only one of several processes that find the same dead holder can move it.
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return undefined;
  }
  const moved = holder(aside);
  if (moved && alive(moved, aside)) {
    // The file was another process's fresh lock by then, so give it back.
    create(path, JSON.stringify(moved));
    rmSync(aside, { force: true });
    return undefined;
  }
  rmSync(aside, { force: true });
  return create(path, me) ? { abandoned: true } : undefined;
}

/** Creates the file with its content in one step, unless it exists. */
function create(path, content) {
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function holder(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function alive({ pid, born, host }, path) {
  // The holder is on another machine, or in another container, that shares the directory.
  if (host !== hostname()) return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < AGES;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return false;
  }
  return birth(pid) === born;
}

/** Start time of a process, if the system reports it; it detects a reused process id. */
function birth(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command's name and may contain anything, so count after its closing bracket.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return '';
  }
}

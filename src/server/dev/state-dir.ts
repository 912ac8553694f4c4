import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from './cluster-error.ts';
import { type ClusterNode, readClusterFile, removeClusterFile } from './cluster-file.ts';

/** Orphans normally end within milliseconds. */
const ORPHANS_MS = 5_000;
const ORPHANS_LOOK_MS = 50;

/** The directory for a development cluster's files. Only one cluster at a time may use it. */
export class StateDir {
  readonly path: string;
  readonly clusterFile: string;
  readonly storeFile: string;
  readonly logs: string;
  readonly #lock: DatabaseSync;

  private constructor(path: string, lock: DatabaseSync) {
    this.path = path;
    this.clusterFile = clusterFileIn(path);
    this.storeFile = join(path, 'store.sqlite');
    this.logs = join(path, 'logs');
    this.#lock = lock;
  }

  /**
   * Reserves the directory and deletes the files of an earlier run, which are useless once all its processes have ended.
   * @param orphansMs how long to wait for processes whose supervisor was killed to notice it and end
   * @throws {ClusterError} StateDirInUse, StateDirShared, OrphansRunning
   */
  static async take(directory: string, orphansMs = ORPHANS_MS): Promise<StateDir> {
    const path = resolve(directory);
    keepPrivate(path);
    const state = new StateDir(path, lock(path));
    try {
      await untilGone(readClusterFile(state.clusterFile)?.nodes ?? [], orphansMs);
    } catch (error) {
      state.release();
      throw error;
    }
    removeClusterFile(state.clusterFile);
    for (const suffix of ['', '-wal', '-shm']) rmSync(state.storeFile + suffix, { force: true });
    rmSync(state.logs, { recursive: true, force: true });
    mkdirSync(state.logs, { mode: 0o700 });
    return state;
  }

  logFile(name: string): string {
    return join(this.logs, `${name}.log`);
  }

  release(): void {
    this.#lock.close();
  }
}

/**
 * Keeps other users of the machine out of the directory, which contains the secret, the store and the logs.
 * @throws {ClusterError} StateDirShared
 */
function keepPrivate(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if ((statSync(path).mode & 0o077) === 0) return;
  // Don't close a shared directory such as /tmp to its other users.
  const isOurs = existsSync(lockFileIn(path)) || existsSync(clusterFileIn(path));
  if (!isOurs && readdirSync(path).length > 0) {
    throw new ClusterError(
      'StateDirShared',
      `${path} is open to other users and contains other files. Choose a separate directory with --state-dir.`,
    );
  }
  chmodSync(path, 0o700);
  if (existsSync(lockFileIn(path))) chmodSync(lockFileIn(path), 0o600);
}

/** Uses SQLite's lock on a file, which the operating system releases when the process is killed. */
function lock(path: string): DatabaseSync {
  const database = new DatabaseSync(lockFileIn(path));
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    const url = readClusterFile(clusterFileIn(path))?.url;
    const which = url === undefined ? 'Another cluster' : `The cluster at ${url}`;
    throw new ClusterError(
      'StateDirInUse',
      `${which} is using the state directory ${path}. End it, or choose another directory with --state-dir.`,
      error,
    );
  }
}

function lockFileIn(path: string): string {
  return join(path, 'lock');
}

function clusterFileIn(path: string): string {
  return join(path, 'cluster.json');
}

async function untilGone(nodes: readonly ClusterNode[], withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const running = await Promise.all(nodes.map(async (node) => ((await isRunning(node)) ? [node] : [])));
    const [first, ...more] = running.flat();
    if (first === undefined) return;
    if (performance.now() > deadline) {
      const pids = [first, ...more].map(({ pid }) => pid).join(' ');
      throw new ClusterError(
        'OrphansRunning',
        `Processes of an earlier cluster are still running without their supervisor. End them: kill -9 ${pids}`,
      );
    }
    await delay(ORPHANS_LOOK_MS);
  }
}

/** Whether the process exists and its address answers. The pid alone may belong to another process by now. */
async function isRunning({ pid, url }: ClusterNode): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const { hostname, port } = new URL(url);
  return new Promise((found) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const say = (running: boolean): void => {
      socket.destroy();
      found(running);
    };
    socket.once('connect', () => say(true));
    socket.once('error', () => say(false));
  });
}

import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from './cluster-error.ts';
import { type ClusterNode, readClusterFile, removeClusterFile } from './cluster-file.ts';

/** They end within milliseconds. */
const ORPHANS_MS = 5_000;
const ORPHANS_LOOK_MS = 50;

/** The directory that one development cluster at a time keeps its files in. */
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
   * Takes the directory and clears what an earlier run left in it: the state of a cluster all of whose processes have
   * ended means nothing.
   * @param orphansMs how long processes of a cluster whose supervisor was killed have to notice
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
 * Other users of the machine must not enter the directory: it holds the secret, the store and the logs.
 * @throws {ClusterError} StateDirShared
 */
function keepPrivate(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if ((statSync(path).mode & 0o077) === 0) return;
  // A directory that others enter for reasons of their own, such as /tmp, is not to be closed to them.
  const isOurs = existsSync(lockFileIn(path)) || existsSync(clusterFileIn(path));
  if (!isOurs && readdirSync(path).length > 0) {
    throw new ClusterError(
      'StateDirShared',
      `${path} is open to other users and holds other things. Choose a directory of its own with --state-dir.`,
    );
  }
  chmodSync(path, 0o700);
  if (existsSync(lockFileIn(path))) chmodSync(lockFileIn(path), 0o600);
}

/** SQLite's lock on a file is the system's, which takes it back from a process that was killed. */
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
      `${which} runs with the state directory ${path}. End it, or choose another directory with --state-dir.`,
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
        `Processes of an earlier cluster still run, though nobody supervises them. End them: kill -9 ${pids}`,
      );
    }
    await delay(ORPHANS_LOOK_MS);
  }
}

/** Whether there is a process of this number and something listens at its address: the number alone may be another's. */
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

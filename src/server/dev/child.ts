import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeRole } from '../shared/identity.ts';
import { RestartDelay } from './restart-delay.ts';

export interface ChildOptions {
  readonly id: string;
  readonly role: NodeRole;
  /** Where it will be reached. */
  readonly url: string;
  /** Where the other processes of the cluster will reach it. */
  readonly internalUrl: string;
  /** Command and options for the command line. */
  readonly args: readonly string[];
  /** Added to the environment; `REJOIN_*` variables of the supervisor are not inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** How long it stays down at least before it is started again, ms. Default: 0. */
  readonly restartMs?: number | undefined;
}

export interface ChildExit {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Pause before it is started again, ms; `undefined` when it is not to be. */
  readonly restartMs: number | undefined;
}

export interface ChildEvents {
  started: [pid: number];
  ready: [pid: number];
  exited: [ChildExit];
}

const CLI = join(import.meta.dirname, '..', 'cli.ts');

/** One node of the cluster: a process of its own that is started again whenever it ends, until it is stopped. */
export class Child extends EventEmitter<ChildEvents> {
  readonly id: string;
  readonly role: NodeRole;
  readonly url: string;
  readonly internalUrl: string;
  readonly logFile: string;
  readonly #options: ChildOptions;
  readonly #delay: RestartDelay;
  #process: ChildProcess | undefined;
  #state: 'down' | 'starting' | 'up' = 'down';
  #startedAt: number | undefined;
  #starts = 0;
  #restart: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ChildOptions) {
    super();
    this.#options = options;
    this.id = options.id;
    this.role = options.role;
    this.url = options.url;
    this.internalUrl = options.internalUrl;
    this.logFile = options.logFile;
    this.#delay = new RestartDelay(options.restartMs);
  }

  get state(): 'down' | 'starting' | 'up' {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Unix time, ms, of the start of the process that runs now or ran last. */
  get startedAt(): number | undefined {
    return this.#startedAt;
  }

  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  start(): void {
    const log = openSync(this.logFile, 'a', 0o600);
    const child = spawn(process.execPath, [CLI, ...this.#options.args], {
      // The log is the child's own: it goes on when the supervisor is killed, and nobody has to read a pipe.
      stdio: ['ignore', log, log, 'ipc'],
      // A process group of its own: a Ctrl-C in the terminal reaches the supervisor only, which ends things in order.
      detached: true,
      env: { ...ownEnvironment(), ...this.#options.env },
    });
    closeSync(log);
    this.#process = child;
    this.#starts += 1;
    this.#startedAt = Date.now();
    this.#state = 'starting';
    const born = performance.now();
    child.on('message', (message) => {
      if ((message as { kind?: string }).kind !== 'ready' || this.#process !== child) return;
      this.#state = 'up';
      this.emit('ready', child.pid ?? 0);
    });
    child.on('exit', (code, signal) => this.#ended(child, code, signal, performance.now() - born));
    // Without a process there is no 'exit'.
    child.on('error', () => child.pid === undefined && this.#ended(child, null, null, 0));
    if (child.pid !== undefined) this.emit('started', child.pid);
  }

  /** Sends a signal to the process; `false` when there is none. */
  kill(signal: NodeJS.Signals): boolean {
    return this.#process?.kill(signal) ?? false;
  }

  /** The whole cluster ends: the process closes in an orderly way within `deadlineMs`, and ends for good in any case. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restart);
    const child = this.#process;
    if (!child) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    // A process that is still starting has nothing to close, and would hear of it late. One that has just ended takes
    // no message: that it cannot be sent is no failure, as 'exit' follows.
    if (this.#state === 'up' && child.connected) child.send({ kind: 'end' }, () => {});
    else child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    await exited;
    clearTimeout(timer);
  }

  #ended(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null, ranMs: number): void {
    const pid = child.pid ?? 0;
    if (pid > 0) endGroup(pid);
    this.#process = undefined;
    this.#state = 'down';
    const restartMs = this.#stopped ? undefined : this.#delay.next(ranMs);
    if (restartMs !== undefined) this.#restart = setTimeout(() => this.start(), restartMs);
    this.emit('exited', { pid, code, signal, restartMs });
  }
}

/** Ends what a process left behind in its group. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing is left.
  }
}

/** The supervisor's own options are not its children's. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('REJOIN_')));
}

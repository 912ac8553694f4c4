import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeRole } from '../shared/identity.ts';
import { RestartDelay } from './restart-delay.ts';

export interface ChildOptions {
  readonly id: string;
  readonly role: NodeRole;
  /** URL at which clients will reach it. */
  readonly url: string;
  /** URL at which the other processes of the cluster will reach it. */
  readonly internalUrl: string;
  /** The command and its options. */
  readonly args: readonly string[];
  /** Added to the environment. The supervisor's own `REJOIN_*` variables are not inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** The shortest delay before a restart, ms. Default: 0. */
  readonly restartMs?: number | undefined;
}

export interface ChildExit {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Delay before the restart, ms; `undefined` if there will be none. */
  readonly restartMs: number | undefined;
}

export interface ChildEvents {
  started: [pid: number];
  ready: [pid: number];
  exited: [ChildExit];
}

const CLI = join(import.meta.dirname, '..', 'cli.ts');

/** A node of the cluster as a separate process. Whenever it ends, it is restarted, until it is stopped. */
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

  /** Unix time, ms, when the present or last process started. */
  get startedAt(): number | undefined {
    return this.#startedAt;
  }

  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  start(): void {
    const log = openSync(this.logFile, 'a', 0o600);
    const child = spawn(process.execPath, [CLI, ...this.#options.args], {
      // The child writes its log itself, so that the log continues when the supervisor is killed, and no pipe must be read.
      stdio: ['ignore', log, log, 'ipc'],
      // In its own process group, a Ctrl-C in the terminal reaches only the supervisor, which ends the nodes in order.
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
    // If no process was started, there is no 'exit'.
    child.on('error', () => child.pid === undefined && this.#ended(child, null, null, 0));
    if (child.pid !== undefined) this.emit('started', child.pid);
  }

  /** Sends a signal to the process; `false` if it isn't running. */
  kill(signal: NodeJS.Signals): boolean {
    return this.#process?.kill(signal) ?? false;
  }

  /** Stops the node for good, because the whole cluster ends: in an orderly way within `deadlineMs`, then by force. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restart);
    const child = this.#process;
    if (!child) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    // A starting process has nothing to close and would get the message late. A process that has just ended cannot get it, but
    // 'exit' follows, so a failure to send is ignored.
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

/** Kills what is left in the process group. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is empty.
  }
}

/** The environment without the supervisor's own options, which are not meant for its children. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('REJOIN_')));
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { BenchError } from '../bench-error.ts';
import type { Cleanup } from '../cleanup.ts';
import type { Exchange, LoadAnswer, LoadOrder, LoadQuestion, LoadState } from './messages.ts';

/** Thousands of clients, in separate processes, so that their cost does not count as the cluster's. */
export class Load {
  readonly #children: readonly ChildProcess[];

  /** Starts one process for each order. Resolves when all clients have joined. */
  static async start(orders: readonly LoadOrder[], cleanup: Cleanup): Promise<Load> {
    const children = orders.map((order) => {
      const child = fork(new URL('load-process.ts', import.meta.url), [JSON.stringify(order)]);
      cleanup.add(() => end(child));
      return child;
    });
    const load = new Load(children);
    await Promise.all(children.map((child) => load.#answer(child, 'connected')));
    return load;
  }

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
  }

  get pids(): number[] {
    return this.#children.flatMap(({ pid }) => pid ?? []);
  }

  async state(): Promise<LoadState> {
    const states = (await this.#ask({ t: 'state' })).map(({ state }) => state);
    return {
      connections: states.reduce((sum, { connections }) => sum + connections, 0),
      there: states.reduce((sum, { there }) => sum + there, 0),
      ended: states.flatMap(({ ended }) => ended),
    };
  }

  /** When each client that was lost or moved after `since` came back; Unix time, ms. */
  async backTimes(since: number): Promise<number[]> {
    return (await this.#ask({ t: 'backTimes', since })).flatMap(({ times }) => times);
  }

  async exchange(): Promise<Exchange> {
    const all = (await this.#ask({ t: 'exchange' })).map(({ exchange }) => exchange);
    const sum = (key: keyof Exchange): number => all.reduce((total, one) => total + one[key], 0);
    return { expected: sum('expected'), delivered: sum('delivered'), twice: sum('twice') };
  }

  #ask<T extends LoadQuestion['t']>(question: LoadQuestion & { t: T }): Promise<Extract<LoadAnswer, { t: T }>[]> {
    return Promise.all(
      this.#children.map((child) => {
        child.send(question);
        return this.#answer(child, question.t);
      }),
    );
  }

  #answer<T extends LoadAnswer['t']>(child: ChildProcess, wanted: T): Promise<Extract<LoadAnswer, { t: T }>> {
    return new Promise((resolve, reject) => {
      const settle = (): void => void child.off('message', hear).off('exit', gone);
      const gone = (): void => reject(new BenchError('LoadFailed', 'A process of clients ended unexpectedly.'));
      const hear = (answer: LoadAnswer): void => {
        if (answer.t === wanted) {
          settle();
          resolve(answer as Extract<LoadAnswer, { t: T }>);
        } else if (answer.t === 'failed') {
          settle();
          reject(new BenchError('LoadFailed', `Not all clients could join: ${answer.message}.`));
        }
      };
      child.on('message', hear).on('exit', gone);
    });
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { freePorts } from '../../src/server/dev/ports.ts';
import type { Cleanup } from '../cleanup.ts';

/** A bare WebSocket server in its own process, which is restarted at once after a kill. */
export class EchoServer {
  readonly url: string;
  readonly #port: number;
  #child: ChildProcess;

  static async start(cleanup: Cleanup): Promise<EchoServer> {
    const [port = 0] = await freePorts('127.0.0.1', 1);
    const server = new EchoServer(port);
    cleanup.add(() => server.#end());
    await once(server.#child, 'message');
    return server;
  }

  private constructor(port: number) {
    this.#port = port;
    this.url = `ws://127.0.0.1:${port}`;
    this.#child = this.#launch();
  }

  kill(): void {
    this.#child.once('exit', () => {
      this.#child = this.#launch();
    });
    this.#child.kill('SIGKILL');
  }

  #end(): void {
    this.#child.removeAllListeners('exit');
    this.#child.kill('SIGKILL');
  }

  #launch(): ChildProcess {
    return fork(new URL('echo-process.ts', import.meta.url), [String(this.#port)]);
  }
}

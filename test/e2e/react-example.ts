import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

/** `examples/react`, served by `examples/express`, with React's development build: without that StrictMode does nothing. */
export class ReactExample {
  readonly url: string;
  readonly #server: ChildProcess;
  readonly #pages: string;

  static async start(cluster: { readonly url: string; readonly secret: string }): Promise<ReactExample> {
    const pages = mkdtempSync(join(tmpdir(), 'rejoin-react-'));
    try {
      await runTool('typescript/bin/tsc', { cwd: join(EXAMPLES, 'express') });
      await runTool('vite/bin/vite.js', {
        args: ['build', '--outDir', pages, '--emptyOutDir'],
        cwd: join(EXAMPLES, 'react'),
        env: { NODE_ENV: 'development' },
      });
      const server = spawn(process.execPath, [join(EXAMPLES, 'express', 'dist', 'server.js'), pages], {
        env: { ...process.env, REJOIN_URL: cluster.url, REJOIN_SECRET: cluster.secret, PORT: '0' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      return new ReactExample(await urlToldBy(server), server, pages);
    } catch (error) {
      rmSync(pages, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(url: string, server: ChildProcess, pages: string) {
    this.url = url;
    this.#server = server;
    this.#pages = pages;
  }

  async stop(): Promise<void> {
    const ended = once(this.#server, 'exit');
    if (this.#server.exitCode === null && this.#server.kill()) await ended;
    rmSync(this.#pages, { recursive: true, force: true });
  }
}

/** Set-up has installed it. */
async function runTool(
  script: string,
  { args = [], cwd, env = {} }: { args?: readonly string[]; cwd: string; env?: NodeJS.ProcessEnv },
): Promise<void> {
  await execute(process.execPath, [join(EXAMPLES, 'node_modules', script), ...args], {
    cwd,
    env: { ...process.env, ...env },
  });
}

async function urlToldBy(server: ChildProcess): Promise<string> {
  if (!server.stdout) throw new Error('The output of the server is not read.');
  for await (const line of createInterface(server.stdout)) {
    const url = /http:\/\/\S+/.exec(line)?.[0];
    if (url) return url;
  }
  // Its output is closed, but it may still run.
  server.kill();
  throw new Error('The server has told no URL.');
}

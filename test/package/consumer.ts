import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The checkout. */
export const ROOT = join(import.meta.dirname, '..', '..');

/** npm's description of a packed tarball. */
export interface Tarball {
  readonly path: string;
  /** Paths of the files in it. */
  readonly files: readonly string[];
}

/** Output of a program. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** An empty project in its own folder with the package installed from its tarball, as users install it. */
export class Consumer {
  readonly folder: string;
  readonly tarball: Tarball;
  /** Output of `npm install`. */
  readonly installed: Printed;

  /** Packs `dist`, and installs it without a network. */
  static async install(): Promise<Consumer> {
    const folder = await mkdtemp(join(tmpdir(), 'rejoin-package-'));
    try {
      const tarball = await pack(folder);
      await writeFile(
        join(folder, 'package.json'),
        JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
      );
      const install = ['install', '--offline', '--foreground-scripts', tarball.path];
      const installed = await npm(install, { cwd: folder, home: folder });
      return new Consumer(folder, tarball, installed);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(folder: string, tarball: Tarball, installed: Printed) {
    this.folder = folder;
    this.tarball = tarball;
    this.installed = installed;
  }

  /** The path of a file of the project. */
  at(...path: string[]): string {
    return join(this.folder, ...path);
  }

  /** The path of a file of the installed package. */
  inPackage(...path: string[]): string {
    return this.at('node_modules', 'rejoin', ...path);
  }

  async write(path: string, text: string): Promise<string> {
    const file = this.at(path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return file;
  }

  /** The installed manifest. */
  async manifest(): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(this.inPackage('package.json'), 'utf8')) as Record<string, unknown>;
  }

  /** Runs a file of the project on this Node. Rejects with its output on failure. */
  node(file: string, env: Readonly<Record<string, string>> = {}): Promise<Printed> {
    return execute(process.execPath, [file], { cwd: this.folder, env: { ...bareEnvironment(), ...env } });
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

async function pack(folder: string): Promise<Tarball> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await npm(args, { cwd: ROOT, home: folder });
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  if (!packed) throw new Error(`npm pack packed nothing: ${stdout}`);
  return { path: join(folder, packed.filename), files: packed.files.map(({ path }) => path).sort() };
}

/** npm without configuration and cache: it would run install scripts. */
function npm(args: readonly string[], { cwd, home }: { cwd: string; home: string }): Promise<Printed> {
  const env = {
    ...bareEnvironment(),
    npm_config_userconfig: join(home, 'no-npmrc'),
    npm_config_globalconfig: join(home, 'no-global-npmrc'),
    npm_config_cache: join(home, 'npm-cache'),
  };
  return execute('npm', [...args, '--no-audit', '--no-fund', '--no-update-notifier'], { cwd, env });
}

/** Removes variables that `npm test` passes to its children: the project's own npm settings, and its programs. */
function bareEnvironment(): NodeJS.ProcessEnv {
  const bare = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$/i.test(name));
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((entry) => !entry.startsWith(ROOT));
  return { ...Object.fromEntries(bare), PATH: path.join(delimiter) };
}

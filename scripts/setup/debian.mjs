import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { run } from './command.mjs';
import { Failure } from './failure.mjs';
import { withLock } from './lock.mjs';
import { inStep } from './step.mjs';

let updated = false;

/** Whether this system uses Debian packages. */
export function isDebian() {
  return !spawnSync('dpkg-query', ['--version'], { stdio: 'ignore' }).error;
}

/**
 * The installed versions of Debian packages; undefined for a missing package.
 *
 * @param {string[]} names
 * @returns {(string | undefined)[]}
 */
export function versions(names) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholders are dpkg-query's.
  const format = '${Package} ${db:Status-Status} ${Version}\\n';
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', format, ...names], { encoding: 'utf8' });

  const found = new Map();
  for (const line of (stdout ?? '').split('\n')) {
    const [name, status, version] = line.split(' ');
    if (status === 'installed') found.set(name, version);
  }
  return names.map((name) => found.get(name));
}

/**
 * Installs missing Debian packages.
 *
 * @param {object} request
 * @param {string[]} request.names
 * @param {string} request.purpose their purpose, follows "needed"
 * @param {NodeJS.WritableStream} request.log
 */
export async function provide({ names, purpose, log }) {
  const lacking = missing(names);
  if (lacking.length === 0) return;

  const become = privileges();
  if (!become) {
    const what = `Debian packages needed ${purpose} are missing: ${lacking.join(', ')}.`;
    throw new Failure('PackagesMissing', what, commands(lacking));
  }

  await withLock('apt', log, async () => {
    // Another set-up may have installed them during the wait.
    const absent = missing(names);
    if (absent.length === 0) return;

    await inStep(log, `installing Debian packages needed ${purpose}`, async (step) => {
      const install = ['install', '--yes', '--no-install-recommends', ...absent];
      for (const args of updated ? [install] : [['update'], install]) {
        const { ok, how, output } = await apt(become, args, step);
        // The installation may succeed even without fresh lists.
        if (!ok && args === install) {
          const what = `apt-get ${args.join(' ')} failed: ${how}.\n${output}`;
          throw new Failure('PackagesMissing', what, commands(absent));
        }
        updated = true;
      }
      step.done(`Debian packages installed: ${absent.join(' ')}`);
    });
  });
}

function missing(names) {
  const found = versions(names);
  return names.filter((_, index) => !found[index]);
}

/** The prefix that runs a command as root; undefined if it would need a password. */
function privileges() {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined;
}

function commands(names) {
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return `${sudo}apt-get update && ${sudo}apt-get install --yes ${names.join(' ')}`;
}

function apt(become, args, step) {
  const command = [...become, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=300'];
  let total = 0;
  let ready = 0;
  const onLine = (line) => {
    const count = /^(\d+) upgraded, (\d+) newly installed/.exec(line);
    if (count) total = Number(count[1]) + Number(count[2]);
    if (line.startsWith('Setting up ')) ready += 1;
    const now = line.startsWith('Get:') ? 'Fetching' : /^(Unpacking|Setting up) \S+/.exec(line)?.[0];
    if (now) step.at(total ? `[${ready}/${total}] ${now}` : now);
  };
  // apt-get stops at an interrupt when it safely can. Killed while unpacking, it would leave the system broken.
  return run(command[0], [...command.slice(1), ...args], { onLine, gentleSignal: 'SIGINT' });
}

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { npm } from './dependencies.mjs';
import { Failure } from './failure.mjs';
import { withLock } from './lock.mjs';
import { isAtLeast, OLDEST_TOOL_NODE } from './node-version.mjs';
import { digest, root } from './places.mjs';
import { inStep } from './step.mjs';

const NEEDED = OLDEST_TOOL_NODE[0];

const modules = join(root, 'node_modules');
const bundled = join(modules, 'node', 'bin', 'node');

/**
 * The Node for everything after set-up: this one if it is new enough, else the one of the `node` package.
 *
 * @param {NodeJS.WritableStream} log
 * @returns {Promise<string>} its path
 */
export async function provideNode(log) {
  const own = process.execPath;
  if (!own.startsWith(modules) && isAtLeast(process.version, OLDEST_TOOL_NODE)) return own;
  if (starts()) return bundled;

  return withLock(`checkout-${digest(root)}`, log, async () => {
    if (starts()) return bundled;
    return inStep(log, `fetching Node ${NEEDED}`, async (step) => {
      // The package's install script fetches the binary for this platform, from the packages' registry.
      const { ok, how, output } = await npm(['rebuild', 'node', '--ignore-scripts=false', '--loglevel=error']);
      const version = starts();
      if (!version) {
        const problem = ok ? `${bundled} does not start` : how;
        throw new Failure(
          'NodeMissing',
          `Node ${NEEDED} could not be fetched: ${problem}.\n${output}`,
          `install Node ${NEEDED} or newer, or try again: npm rebuild node --ignore-scripts=false`,
        );
      }
      step.done(`Node ${version} fetched`);
      return bundled;
    });
  });
}

/** The version of the bundled Node if it starts and is new enough. */
function starts() {
  const version = spawnSync(bundled, ['--version'], { encoding: 'utf8', timeout: 10_000 }).stdout?.trim();
  return version && isAtLeast(version, OLDEST_TOOL_NODE) ? version.slice(1) : undefined;
}

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm } from './dependencies.mjs';
import { Failure } from './failure.mjs';
import { withLock } from './lock.mjs';
import { digest, root } from './places.mjs';
import { inStep } from './step.mjs';

const lockFile = join(root, 'examples', 'package-lock.json');
const stamp = join(root, 'examples', 'node_modules', '.rejoin-installed');
const INSTALL = ['ci', '--prefix', 'examples', '--ignore-scripts', '--include=dev', '--loglevel=error'];

/**
 * Installs the packages of the examples, unless they were installed from the same lock file before. The tests cannot do
 * it, because they run in networks without a registry.
 *
 * @param {import('node:tty').WriteStream} log
 */
export async function installExamples(log) {
  if (current()) return;
  await withLock(`checkout-${digest(root)}`, log, async () => {
    if (current()) return;
    await inStep(log, 'installing the packages of the examples', async (step) => {
      const { ok, how, output } = await npm(INSTALL);
      if (!ok) throw new Failure('InstallFailed', `npm ci failed: ${how}.\n${output}`, `npm ${INSTALL.join(' ')}`);
      step.done('packages of the examples installed');
    });
    writeFileSync(stamp, wantedDigest());
  });
}

function current() {
  try {
    return readFileSync(stamp, 'utf8') === wantedDigest();
  } catch {
    return false;
  }
}

function wantedDigest() {
  return digest(readFileSync(lockFile));
}

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from './command.mjs';
import { Failure } from './failure.mjs';
import { interruptible } from './interruption.mjs';
import { withLock } from './lock.mjs';
import { digest, root } from './places.mjs';
import { inStep } from './step.mjs';

/** All inputs of the browser bundles. */
const INPUTS = ['src/client', 'src/protocol', 'src/node-client', 'demo', 'rollup.config.mjs', 'package-lock.json'];

const REMEDY = 'fix the problem above, then repeat the command';

const output = join(root, 'dist');
const stamp = join(output, '.bundle.json');

/**
 * Builds the browser bundles, unless the existing ones are up to date.
 *
 * @param {object} context
 * @param {NodeJS.WritableStream} context.log
 * @param {string} context.node
 */
export function provideBundles({ log, node }) {
  return interruptible(async () => {
    if (current()) return;
    await withLock(`checkout-${digest(root)}`, log, async () => {
      if (current()) return;
      // Computed before the build, so that an edit during the build makes the bundles outdated.
      const inputs = inputDigest();
      await inStep(log, 'building the browser bundles', async (step) => {
        const rollup = join(root, 'node_modules', 'rollup', 'dist', 'bin', 'rollup');
        const { ok, how, output } = await run(node, [rollup, '-c', 'rollup.config.mjs'], { cwd: root });
        const what = `The browser bundles could not be built: ${how}.\n${output}`;
        if (!ok) throw new Failure('BundleFailed', what, REMEDY);
        step.done('browser bundles built');
      });
      const files = filesIn(output).filter((path) => path !== stamp);
      writeFileSync(stamp, JSON.stringify({ inputs, files: files.map((path) => relative(output, path)) }));
    });
  });
}

function current() {
  try {
    const { inputs, files } = JSON.parse(readFileSync(stamp, 'utf8'));
    return inputs === inputDigest() && files.every((path) => existsSync(join(output, path)));
  } catch {
    return false;
  }
}

function inputDigest() {
  const files = INPUTS.flatMap((path) => filesIn(join(root, path)));
  return digest(...files.flatMap((path) => [relative(root, path), readFileSync(path)]));
}

/** All files at or below a path, in a fixed order. */
function filesIn(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat ? [path] : [];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

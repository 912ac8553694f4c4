import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join, resolve } from 'node:path';
import process from 'node:process';
import { run } from './command.mjs';
import { isDebian, provide } from './debian.mjs';
import { Failure } from './failure.mjs';
import { root } from './places.mjs';
import { inStep, say } from './step.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const TIME_LIMIT = 300_000;

/**
 * The browser in CHROMIUM_PATH, if it is set.
 *
 * @returns {string | undefined} its path
 */
export function givenBrowser() {
  const given = process.env.CHROMIUM_PATH;
  if (!given) return undefined;

  const path = resolve(given);
  if (executable(path)) return path;
  throw new Failure(
    'BrowserBroken',
    `CHROMIUM_PATH is ${path}, which is not a program.`,
    'set it to a Chromium or Chrome, or let set-up find one: unset CHROMIUM_PATH',
  );
}

/**
 * A Chromium for the tests, from the first source that has one: the path, an earlier download of Playwright's, the
 * system's packages, Playwright's downloads.
 *
 * @param {object} context
 * @param {NodeJS.WritableStream} context.log
 * @param {string} context.node the Node for Playwright
 * @returns {Promise<string>} its path
 */
export async function provideBrowser({ log, node }) {
  const found = onPath() ?? downloaded(node);
  if (found) return found;

  let problem;
  if (isDebian()) {
    try {
      await provide({ names: ['chromium'], purpose: 'for the tests', log });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      problem = error;
    }
    const installed = onPath();
    if (installed) return installed;
  }
  return download(log, node, problem);
}

function onPath() {
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of NAMES) if (executable(join(dir, name))) return join(dir, name);
  }
  return undefined;
}

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Playwright's own Chromium, if it is downloaded. Runs in a separate process, because only the given Node can load
 * Playwright.
 */
function downloaded(node) {
  const program = "import('playwright').then(({ chromium }) => console.log(chromium.executablePath()))";
  const { stdout } = spawnSync(node, ['-e', program], { cwd: root, encoding: 'utf8', timeout: 10_000 });
  const path = stdout?.trim();
  return path && existsSync(path) ? path : undefined;
}

function download(log, node, problem) {
  return inStep(log, 'fetching Chromium', async (step) => {
    const cli = join(createRequire(join(root, 'package.json')).resolve('playwright/package.json'), '..', 'cli.js');
    const { ok, how, output } = await run(node, [cli, 'install', 'chromium'], {
      cwd: root,
      signal: AbortSignal.timeout(TIME_LIMIT),
      onLine: (line) => {
        const progress = /(\d+)% of/.exec(line);
        if (progress) step.at(`${progress[1]} %`);
      },
    });
    const path = downloaded(node);
    if (!ok || !path) {
      if (problem) say(log, problem.message);
      throw new Failure(
        'BrowserMissing',
        `There is no Chromium for the tests, and fetching one failed: ${how}.\n${output}`,
        'install Chromium or Chrome, for example: sudo apt-get install --yes chromium; or set its path: export CHROMIUM_PATH=/path/of/chromium',
      );
    }
    step.done('Chromium fetched');
    return path;
  });
}

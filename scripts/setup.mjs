import process from 'node:process';
import { givenBrowser, provideBrowser } from './setup/browser.mjs';
import { installDependencies } from './setup/dependencies.mjs';
import { installExamples } from './setup/examples.mjs';
import { interruptible } from './setup/interruption.mjs';
import { provideNode } from './setup/node.mjs';
import { provideTestBrowsers } from './setup/test-browsers.mjs';
import { provideHostTools } from './setup/test-hosts.mjs';
import { givenWorker, provideWorker } from './setup/worker.mjs';
import { linkWorker } from './setup/worker-link.mjs';

/**
 * @typedef {object} Installation
 * @property {string} node path of the Node for all programs
 * @property {string} workerBin path of the mediasoup worker
 * @property {string} [chromium] path of the browser, if requested
 */

/**
 * The worker and the browser that the environment names. Checked first, so that a wrong path is reported at once and
 * not after minutes of installing.
 *
 * @param {{ browser: boolean }} needs
 */
export function checkGiven({ browser }) {
  return { workerBin: givenWorker(), chromium: browser ? givenBrowser() : undefined };
}

/**
 * Prepares a fresh checkout: its packages, a new enough Node, the media worker and, for the tests, a browser and the
 * packages of the examples. Existing parts are kept.
 *
 * It runs before anything is installed, so it and its imports use only Node 20 itself.
 *
 * @param {object} [options]
 * @param {boolean} [options.browser] whether a browser is needed
 * @param {import('node:tty').WriteStream} [options.log] shows the progress
 * @returns {Promise<Installation>}
 */
export function setup({ browser = false, log = process.stderr } = {}) {
  return interruptible(async () => {
    const given = checkGiven({ browser });
    await installDependencies(log);
    const node = await provideNode(log);
    const workerBin = given.workerBin ?? (await provideWorker({ log, node }));
    linkWorker(workerBin, log);
    if (!browser) return { node, workerBin };
    const chromium = given.chromium ?? (await provideBrowser({ log, node }));
    await provideHostTools(log);
    await provideTestBrowsers(log);
    await installExamples(log);
    return { node, workerBin, chromium };
  });
}

import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { type BrowserKind, launchOptions } from '../../test/fixtures/browsers/browser-kind.ts';
import { BenchError } from '../bench-error.ts';
import type { Context } from '../benchmark.ts';

export const BROWSER_NAMES: Readonly<Record<BrowserKind, string>> = { chromium: 'Chromium', firefox: 'Firefox' };

const REMEDIES: Readonly<Record<BrowserKind, string>> = {
  chromium: 'Start with "npm run bench", which installs it, or set CHROMIUM_PATH.',
  firefox: 'Install it, for example: sudo apt-get install --yes firefox-esr; or set FIREFOX_PATH.',
};

/**
 * Starts a browser with a fake camera and microphone; default: the requested one. @throws {BenchError} BrowserMissing
 */
export async function startBrowser(
  { cleanup, sawBrowser, browsers }: Context,
  kind: BrowserKind = browsers[0] ?? 'chromium',
): Promise<Browser> {
  const browser = await launch(kind);
  cleanup.add(() => browser.close());
  sawBrowser(kind, await browser.version());
  return browser;
}

/** Opens a page in its own profile and window, because browsers slow down pages behind others. */
export async function openPage(browser: Browser, url: string): Promise<Page> {
  const context = await browser.createBrowserContext();
  const page = await context.newPage({ type: 'window' });
  await page.goto(url);
  return page;
}

async function launch(kind: BrowserKind): Promise<Browser> {
  try {
    // An interrupted benchmark closes the browser itself, in order.
    const itself = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
    return await puppeteer.launch({ ...launchOptions(kind), ...itself });
  } catch (error) {
    throw new BenchError(
      'BrowserMissing',
      `${BROWSER_NAMES[kind]} does not start (${String(error).split('\n')[0]}). ${REMEDIES[kind]}`,
      error,
    );
  }
}

import { type Browser, chromium } from 'playwright';
import { CHROMIUM_ARGS } from '../../test/e2e/playwright.config.ts';
import { BenchError } from '../bench-error.ts';
import type { Context } from '../benchmark.ts';

/** A Chromium with a pretended camera and microphone. */
export async function startBrowser({ cleanup, sawBrowser }: Context): Promise<Browser> {
  const executablePath = process.env['CHROMIUM_PATH'];
  try {
    const browser = await chromium.launch({
      ...(executablePath ? { executablePath } : {}),
      args: [...CHROMIUM_ARGS, '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
      // An interrupted run ends everything itself, in order.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
    cleanup.add(() => browser.close());
    sawBrowser(browser.version());
    return browser;
  } catch (error) {
    throw new BenchError(
      'BrowserMissing',
      `Chromium does not start (${String(error).split('\n')[0]}). Start with "npm run bench", which provides one, or name one in CHROMIUM_PATH.`,
      error,
    );
  }
}

import process from 'node:process';
import { provideTools } from './tools.mjs';

const FIREFOX = { 'firefox-esr': 'firefox-esr' };
const OTHERS = { WebKitWebDriver: 'webkit2gtk-driver', Xvfb: 'xvfb' };

/**
 * What the tests in several browsers need besides a Chromium: Firefox, Safari's engine, and a display that nobody sees. A Firefox
 * that FIREFOX_PATH names is used in place of Debian's.
 *
 * @param {NodeJS.WritableStream} log
 */
export function provideTestBrowsers(log) {
  const programs = process.env.FIREFOX_PATH ? OTHERS : { ...FIREFOX, ...OTHERS };
  return provideTools({ programs, purpose: 'for the tests in browsers', log });
}

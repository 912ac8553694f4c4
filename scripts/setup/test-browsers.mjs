import process from 'node:process';
import { provideTools } from './tools.mjs';

const FIREFOX = { 'firefox-esr': 'firefox-esr' };
const OTHERS = { WebKitWebDriver: 'webkit2gtk-driver', Xvfb: 'xvfb' };

/**
 * The programs for the tests in several browsers besides Chromium: Firefox, Safari's engine, and a virtual display. A
 * Firefox in FIREFOX_PATH replaces Debian's.
 *
 * @param {NodeJS.WritableStream} log
 */
export function provideTestBrowsers(log) {
  const programs = process.env.FIREFOX_PATH ? OTHERS : { ...FIREFOX, ...OTHERS };
  return provideTools({ programs, purpose: 'for the tests in browsers', log });
}

import type { Browser, Page } from 'puppeteer-core';
import { openPage } from '../calls/browser.ts';
import { RemotePicture } from '../calls/remote-picture.ts';

/** A participant of the raw call, in its own page. */
export class RawCaller {
  readonly #page: Page;
  /** The other participant's picture. */
  readonly picture: RemotePicture;

  static async open(browser: Browser, url: string): Promise<RawCaller> {
    return new RawCaller(await openPage(browser, `${url}/raw.html`));
  }

  private constructor(page: Page) {
    this.#page = page;
    this.picture = new RemotePicture(page, 'A page of the raw call');
  }

  /** Returns the Unix time, ms, of its beginning. */
  join(): Promise<number> {
    return this.#page.evaluate(() => globalThis.raw.join());
  }

  async close(): Promise<void> {
    await this.#page.browserContext().close();
  }
}

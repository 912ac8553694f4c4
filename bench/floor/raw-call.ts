import type { Browser, Page } from 'puppeteer-core';
import { openPage } from '../calls/browser.ts';
import { RemotePicture } from '../calls/remote-picture.ts';

/** A participant of the raw call, in a page of its own. */
export class RawCaller {
  readonly #page: Page;
  /** Of the other. */
  readonly picture: RemotePicture;

  static async open(browser: Browser, url: string): Promise<RawCaller> {
    return new RawCaller(await openPage(browser, `${url}/raw.html`));
  }

  private constructor(page: Page) {
    this.#page = page;
    this.picture = new RemotePicture(page, 'A page of the raw call');
  }

  /** Unix time, ms, of the moment it began. */
  join(): Promise<number> {
    return this.#page.evaluate(() => globalThis.raw.join());
  }

  async close(): Promise<void> {
    await this.#page.browserContext().close();
  }
}

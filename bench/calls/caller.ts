import type { Browser, Page } from 'puppeteer-core';
import { BenchError } from '../bench-error.ts';
import type { JoinOptions, PageEvent } from '../page/call-page.ts';
import type { Source } from '../page/own-media.ts';
import type { TalkCount } from '../page/talk.ts';
import { openPage } from './browser.ts';
import { RemotePicture } from './remote-picture.ts';

/** A participant in its own page, controlled from here. */
export class Caller {
  readonly name: string;
  readonly #page: Page;
  /** The other participant's picture. */
  readonly picture: RemotePicture;

  static async open(browser: Browser, url: string, name: string, source: Source = 'camera'): Promise<Caller> {
    return new Caller(await openPage(browser, `${url}/call.html?source=${source}`), name);
  }

  private constructor(page: Page, name: string) {
    this.#page = page;
    this.name = name;
    this.picture = new RemotePicture(page, name);
  }

  /** Joins and publishes. Returns the Unix time, ms, of the call of `connect()`. */
  join(options: JoinOptions): Promise<number> {
    return this.#page.evaluate((given) => globalThis.call.join(given), options);
  }

  async seesNobody(): Promise<void> {
    await this.picture.until('sees nobody', () => this.#page.evaluate(() => globalThis.call.others === 0));
  }

  /** Sends a signal to itself; returns the Unix time, ms, of its arrival. */
  signalBack(): Promise<number> {
    return this.#page.evaluate(() => globalThis.call.signalBack());
  }

  /** When the page got this event; Unix time, ms. */
  told(name: PageEvent['name']): Promise<number> {
    return this.picture.until(`gets ${name}`, async () => {
      const events = await this.#page.evaluate(() => globalThis.call.events);
      return events.find((event) => event.name === name)?.at;
    });
  }

  async talk(everyMs: number): Promise<void> {
    await this.#page.evaluate((ms) => globalThis.call.talk(ms), everyMs);
  }

  async hush(): Promise<void> {
    await this.#page.evaluate(() => globalThis.call.hush());
  }

  talked(): Promise<TalkCount> {
    return this.#page.evaluate(() => globalThis.call.talked);
  }

  /** Closes its page. */
  async close(): Promise<void> {
    await this.leave();
    await this.#page.browserContext().close();
  }

  async leave(): Promise<void> {
    await this.#page.evaluate(() => globalThis.call.leave());
    const { errors } = this.picture;
    if (errors.length > 0) {
      throw new BenchError('PageFailed', `${this.name}'s page threw: ${errors.join('; ')}`);
    }
  }
}

import type { Browser, Page } from 'playwright';
import { until } from '../../test/fixtures/until.ts';
import { type ShownFrame, sentFrames } from '../report/frames.ts';

/** A participant of the raw call, in a page of its own. */
export class RawCaller {
  readonly #page: Page;

  static async open(browser: Browser, url: string): Promise<RawCaller> {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${url}/raw.html`);
    return new RawCaller(page);
  }

  private constructor(page: Page) {
    this.#page = page;
  }

  /** Unix time, ms, of the moment it began. */
  join(): Promise<number> {
    return this.#page.evaluate(() => globalThis.raw.join());
  }

  async sees(frames = 10): Promise<void> {
    await until(`${frames} frames of the raw call`, () =>
      this.#page.evaluate((least) => globalThis.raw.seen >= least, frames),
    );
  }

  /** Resolves when frames are shown after the Unix time `at`, ms: what moved again before has settled by then. */
  async seesAfter(at: number): Promise<void> {
    await until('the raw call is back', async () => (sentFrames(await this.frames()).at(-1)?.at ?? 0) > at);
  }

  frames(): Promise<readonly ShownFrame[]> {
    return this.#page.evaluate(() => globalThis.raw.frames);
  }

  async close(): Promise<void> {
    await this.#page.context().close();
  }
}

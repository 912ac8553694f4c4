import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright';
import { until } from '../../test/fixtures/until.ts';
import { BenchError } from '../bench-error.ts';
import { now } from '../clock.ts';
import type { JoinOptions, PageEvent } from '../page/call-page.ts';
import type { Source } from '../page/own-media.ts';
import type { TalkCount } from '../page/talk.ts';
import { type Full, type ShownFrame, sentFrames } from '../report/frames.ts';

/** Between two looks at a picture that is to become what it was. */
const LOOK_EVERY_MS = 250;
/** What has begun by the end of the time it has is seen to be whole so much later. */
const LAST_LOOK_MS = 1_500;

/** A participant in a page of its own, seen from here. */
export class Caller {
  readonly name: string;
  readonly #page: Page;
  readonly #errors: string[] = [];

  static async open(browser: Browser, url: string, name: string, source: Source = 'camera'): Promise<Caller> {
    const context = await browser.newContext();
    const page = await context.newPage();
    const caller = new Caller(page, name);
    await page.goto(`${url}/call.html?source=${source}`);
    return caller;
  }

  private constructor(page: Page, name: string) {
    this.#page = page;
    this.name = name;
    page.on('pageerror', (error) => this.#errors.push(String(error)));
  }

  /** Joins and publishes. Unix time, ms, of the call of `connect()`. */
  join(options: JoinOptions): Promise<number> {
    return this.#page.evaluate((given) => globalThis.call.join(given), options);
  }

  /** Resolves when the other is seen, with so many frames. */
  async sees(frames = 10): Promise<void> {
    await this.#until(`sees ${frames} frames`, async () => (await this.#frameCount()) >= frames);
  }

  /** Resolves when a frame is shown after the Unix time `at`, ms. */
  async seesAfter(at: number): Promise<void> {
    await this.#until('sees the other', async () => (sentFrames(await this.frames()).at(-1)?.at ?? 0) > at);
  }

  async seesNobody(): Promise<void> {
    await this.#until('sees nobody', () => this.#page.evaluate(() => globalThis.call.others === 0));
  }

  /** Resolves when the other's video shows another track than `before`, and moves. */
  async showsAnother(before: string | undefined): Promise<void> {
    await this.#until('shows what has been brought back', async () => {
      const track = await this.remoteTrack();
      return track !== undefined && track !== before;
    });
    await this.sees((await this.#frameCount()) + 5);
  }

  frames(): Promise<readonly ShownFrame[]> {
    return this.#page.evaluate(() => globalThis.call.frames);
  }

  /** How long after `since` the other's picture has its full size and rate again, ms; `withinMs` when it does not by then. */
  async fullAgain(since: number, full: Full, withinMs: number): Promise<number> {
    for (;;) {
      const at = await this.#page.evaluate(([from, best]) => globalThis.call.fullAgainAt(from, best), [
        since,
        full,
      ] as const);
      if (at !== undefined) return Math.min(at - since, withinMs);
      if (now() > since + withinMs + LAST_LOOK_MS) return withinMs;
      await delay(LOOK_EVERY_MS);
    }
  }

  remoteTrack(): Promise<string | undefined> {
    return this.#page.evaluate(() => globalThis.call.remoteTrack);
  }

  /** Sends a signal to itself; the Unix time, ms, at which it has come back. */
  signalBack(): Promise<number> {
    return this.#page.evaluate(() => globalThis.call.signalBack());
  }

  /** When the page was told of it, Unix time, ms. */
  told(name: PageEvent['name']): Promise<number> {
    return this.#until(`is told ${name}`, async () => {
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

  async leave(): Promise<void> {
    await this.#page.evaluate(() => globalThis.call.leave());
    if (this.#errors.length > 0) {
      throw new BenchError('PageFailed', `${this.name}'s page threw: ${this.#errors.join('; ')}`);
    }
  }

  #frameCount(): Promise<number> {
    return this.#page.evaluate(() => globalThis.call.seen);
  }

  async #until<T>(what: string, look: () => Promise<T>): Promise<Exclude<NonNullable<T>, false>> {
    try {
      return await until(what, look, 20_000);
    } catch (error) {
      const said = this.#errors.length > 0 ? ` Its page threw: ${this.#errors.join('; ')}` : '';
      throw new BenchError('CallLost', `${this.name} waited 20 s in vain: ${what}.${said}`, error);
    }
  }
}

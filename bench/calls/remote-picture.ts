import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'puppeteer-core';
import { until } from '../../test/fixtures/until.ts';
import { BenchError } from '../bench-error.ts';
import { now } from '../clock.ts';
import type { Full, Move, ShownFrame } from '../report/frames.ts';

/** Interval between two checks of a recovering picture. */
const LOOK_EVERY_MS = 250;
/** Additional wait, after which a second that began before the limit is complete. */
const LAST_LOOK_MS = 1_500;

/** The other participant's picture in a page, measured from here. Only sent frames count. */
export class RemotePicture {
  readonly #page: Page;
  readonly #name: string;
  readonly #errors: string[] = [];

  /** `name`: of the page's participant. */
  constructor(page: Page, name: string) {
    this.#page = page;
    this.#name = name;
    page.on('pageerror', (error) => this.#errors.push(String((error as Error).stack ?? error)));
  }

  /** Errors of the page. */
  get errors(): readonly string[] {
    return this.#errors;
  }

  /** Number of frames so far. */
  count(): Promise<number> {
    return this.#page.evaluate(() => globalThis.frameLog?.sent ?? 0);
  }

  /** All frames shown after the Unix time `since`, ms. */
  async frames(since = 0): Promise<readonly ShownFrame[]> {
    // As text, because Firefox needs long to serialise many objects.
    const text = await this.#page.evaluate((at) => JSON.stringify(globalThis.frameLog?.after(at) ?? []), since);
    return JSON.parse(text) as ShownFrame[];
  }

  /** Resolves when this number of frames has been shown. */
  async sees(frames: number): Promise<void> {
    await this.until(`sees ${frames} frames`, async () => (await this.count()) >= frames);
  }

  /** Resolves when a frame is shown after the Unix time `since`, ms. */
  async seesAfter(since: number): Promise<void> {
    await this.until('sees the other', () =>
      this.#page.evaluate((at) => (globalThis.frameLog?.lastAt ?? 0) > at, since),
    );
  }

  /** Resolves when it arrives over another path than before `since`. */
  moves(since: number): Promise<Move> {
    return this.until('sees the other over another path', () =>
      this.#page.evaluate((at) => globalThis.frameLog?.moveAfter(at), since),
    );
  }

  /** Time after `since` until it has its full size and rate again, ms; at most `withinMs`. */
  async isFull(since: number, full: Full, withinMs: number): Promise<number> {
    for (;;) {
      const at = await this.#page.evaluate((from, best) => globalThis.frameLog?.fullAfter(from, best), since, full);
      if (at !== undefined) return Math.min(at - since, withinMs);
      if (now() > since + withinMs + LAST_LOOK_MS) return withinMs;
      await delay(LOOK_EVERY_MS);
    }
  }

  /** @throws {BenchError} CallLost */
  async until<T>(what: string, look: () => Promise<T>): Promise<Exclude<NonNullable<T>, false>> {
    try {
      return await until(what, look, 20_000);
    } catch (error) {
      const said = this.#errors.length > 0 ? ` Its page threw: ${this.#errors.join('; ')}` : '';
      throw new BenchError('CallLost', `${this.#name} waited 20 s in vain: ${what}.${said}`, error);
    }
  }
}

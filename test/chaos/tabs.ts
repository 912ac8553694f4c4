import { setTimeout as delay } from 'node:timers/promises';
import { type Browser, chromium, type JSHandle } from 'playwright';
import type { FailoverPolicy } from '../../src/server/store/store.ts';
import { CHROMIUM_ARGS } from '../e2e/playwright.config.ts';
import type { AppServer } from './app-server.ts';
import type { History } from './history.ts';
import { runTab, type TabHandle, type TabNotes, watchTabWelcomes } from './tab-script.ts';
import type { Standing } from './visitor.ts';

const READ_MS = 500;
const TALK_MS = 800;
/** A longer standstill is reported when the picture moves again. */
const LONG_MS = 2_500;
/** How long a picture is watched to see whether it moves. */
const LOOK_MS = 1_500;

interface Tab {
  readonly who: string;
  readonly room: string;
  readonly handle: JSHandle<TabHandle>;
  notes: TabNotes;
  longestGapMs: number;
}

/** Real pages in a real browser, two in a video call for each policy. They stay from beginning to end. */
export class Tabs {
  readonly #browser: Browser;
  readonly #history: History;
  readonly #app: AppServer;
  readonly #say: (line: string) => void;
  readonly #tabs: Tab[] = [];
  readonly #reading = new AbortController();
  #reader: Promise<void> | undefined;
  /** Errors of the pages. */
  readonly errors: string[] = [];

  /** `say` reports pictures that stood still for long. */
  static async open(history: History, app: AppServer, say: (line: string) => void): Promise<Tabs> {
    const executablePath = process.env['CHROMIUM_PATH'];
    const browser = await chromium.launch({
      ...(executablePath ? { executablePath } : {}),
      args: [...CHROMIUM_ARGS, '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=fps=10'],
      // The run closes the browser itself, in order.
      handleSIGINT: false,
      handleSIGTERM: false,
    });
    return new Tabs(browser, history, app, say);
  }

  private constructor(browser: Browser, history: History, app: AppServer, say: (line: string) => void) {
    this.#say = say;
    this.#browser = browser;
    this.#history = history;
    this.#app = app;
  }

  get size(): number {
    return this.#tabs.length;
  }

  /** Opens two pages that call each other. @throws {Error} if they do not see each other */
  async call(url: string, policy: FailoverPolicy): Promise<void> {
    const room = `video-${policy}`;
    this.#history.addRoom(room, policy);
    const opening = ['ann', 'bob'].map((name) => this.#open(url, room, `${room}.${name}`));
    this.#tabs.push(...(await Promise.all(opening)));
    this.#reader ??= this.#read();
    const mine = this.#tabs.filter((tab) => tab.room === room);
    for (let look = 0; look < 60; look += 1) {
      if (mine.every(({ notes }) => notes.videos.length === 1 && notes.videos.every(({ frames }) => frames > 10)))
        return;
      await delay(READ_MS);
    }
    throw new Error(`The tabs of ${room} do not see each other: ${JSON.stringify(mine.map(({ notes }) => notes))}`);
  }

  async talk(): Promise<void> {
    // Standstills while the pages were opened do not count.
    for (const tab of this.#tabs) tab.longestGapMs = 0;
    await this.#each(({ handle }) => handle.evaluate((tab, ms) => tab.talk(ms), TALK_MS));
  }

  async hush(): Promise<void> {
    await this.#each(({ handle }) => handle.evaluate((tab) => tab.hush()));
  }

  async leave(): Promise<void> {
    await this.#each(({ handle }) => handle.evaluate((tab) => tab.leave()));
    await this.#readAll();
  }

  standings(): Standing[] {
    return this.#tabs.map(({ who, room, notes }) => {
      const { state, connectionId, others, pending } = notes;
      return { who, room, state, connectionId, others, pending };
    });
  }

  /** Tabs with a remote picture that is missing or does not move. */
  async still(): Promise<string[]> {
    await this.#readAll();
    const before = new Map(this.#tabs.map((tab) => [tab, tab.notes.videos.map(({ frames }) => frames)]));
    await delay(LOOK_MS);
    await this.#readAll();
    return this.#tabs.flatMap((tab) => {
      const { videos } = tab.notes;
      const moves = videos.length === 1 && videos.every(({ frames }, at) => frames > (before.get(tab)?.[at] ?? 0));
      return moves
        ? []
        : [`${tab.who}: ${videos.length} videos, of frames ${videos.map(({ frames }) => frames).join(' ')}`];
    });
  }

  /** The longest standstill of a picture, by policy, ms. */
  longestGaps(): Record<string, number> {
    const gaps: Record<string, number> = {};
    for (const { who, longestGapMs } of this.#tabs) {
      const policy = this.#history.policyOf(who);
      gaps[policy] = Math.max(gaps[policy] ?? 0, Math.round(longestGapMs));
    }
    return gaps;
  }

  async close(): Promise<void> {
    this.#reading.abort();
    await this.#reader;
    await this.#browser.close();
  }

  async #open(url: string, room: string, who: string): Promise<Tab> {
    this.#history.addPerson(who, room);
    const context = await this.#browser.newContext({ viewport: { width: 480, height: 360 } });
    const page = await context.newPage();
    page.on('pageerror', (error) => this.errors.push(`${who}: ${error.stack ?? error.message}`));
    await page.exposeFunction('newToken', () => this.#app.token(room));
    await page.addInitScript(watchTabWelcomes);
    await page.goto(url);
    const handle = await page.evaluateHandle(runTab, who);
    const token = this.#history.rooms.get(room) === 'takeover' ? await this.#app.token(room) : undefined;
    const failure = await handle.evaluate((tab, given) => tab.join(given), token);
    if (failure) throw new Error(`${who} could not join: ${failure}`);
    const notes = await notesOf(handle);
    const tab: Tab = { who, room, handle, notes, longestGapMs: 0 };
    this.#take(tab, notes);
    return tab;
  }

  async #read(): Promise<void> {
    const { signal } = this.#reading;
    while (!signal.aborted) {
      await this.#readAll();
      await delay(READ_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #readAll(): Promise<void> {
    await this.#each(async (tab) => {
      this.#take(tab, await notesOf(tab.handle));
    });
  }

  #take(tab: Tab, notes: TabNotes): void {
    const gapOf = ({ videos }: TabNotes): number => Math.max(0, ...videos.map(({ longestGapMs }) => longestGapMs));
    const [before, gap] = [gapOf(tab.notes), gapOf(notes)];
    if (before > LONG_MS && gap < before)
      this.#say(`${tab.who} has seen a picture stand still for ${Math.round(before)} ms`);
    tab.longestGapMs = Math.max(tab.longestGapMs, gap);
    tab.notes = notes;
    for (const { at, ...deed } of notes.deeds) this.#history.add(tab.who, deed, at);
    this.#history.welcomes.push(...notes.welcomes);
  }

  async #each(work: (tab: Tab) => Promise<unknown>): Promise<void> {
    await Promise.all(this.#tabs.map(work));
  }
}

function notesOf(handle: JSHandle<TabHandle>): Promise<TabNotes> {
  return handle.evaluate((tab) => tab.notes());
}

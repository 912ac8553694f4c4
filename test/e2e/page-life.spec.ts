import type { Browser } from 'playwright/test';
import { chromium } from 'playwright/test';
import type * as Sdk from '../../src/client/index.ts';
import { BarePage } from './bare-page.ts';
import { expect, test } from './fixtures.ts';
import type { Guest } from './guest.ts';
import { CHROMIUM_ARGS } from './playwright.config.ts';

/** The grace period of these tests' cluster. */
const RESUME_GRACE_MS = 20_000;

/** The demo page's interface for tests. */
interface Demo {
  readonly session: Sdk.Session | undefined;
  readonly events: readonly { readonly event: string }[];
}

/** Presence of the only other participant, as `guest` sees it. */
const presenceOfOther = ({ page }: Guest): Promise<string | undefined> =>
  page.evaluate(() => {
    const { session } = (globalThis as unknown as { demo: Demo }).demo;
    return session?.streamManagers.find(({ remote }) => remote)?.stream?.connection.presence;
  });

/** Bob, in a tab that can be frozen. */
class Sleeper {
  readonly page: BarePage;

  static async join(browser: Browser, url: string, room: string): Promise<Sleeper> {
    const sleeper = new Sleeper(await BarePage.open(browser, `${url}/?room=${room}&name=Bob&join=1`));
    await expect.poll(() => sleeper.frames()).toBeGreaterThan(10);
    return sleeper;
  }

  private constructor(page: BarePage) {
    this.page = page;
  }

  events(): Promise<string[]> {
    return this.page.evaluate(() => (globalThis as unknown as { demo: Demo }).demo.events.map(({ event }) => event));
  }

  /** Number of shown frames of Ann's video. */
  frames(): Promise<number> {
    return this.page.evaluate(
      () =>
        document.querySelector<HTMLVideoElement>('[data-testid="tile"] video')?.getVideoPlaybackQuality()
          .totalVideoFrames ?? 0,
    );
  }
}

test('a page is frozen and thawed: others see it as away meanwhile, and it comes back at once', async ({
  browser,
  running,
  room,
  join,
}) => {
  const ann = await join('Ann');
  const bob = await Sleeper.join(browser, running.url, room);
  await ann.sees(1);
  await bob.page.freeze();
  await expect.poll(() => presenceOfOther(ann)).toBe('away');
  await ann.say('are you asleep?');
  await bob.page.thaw();
  await expect.poll(() => bob.events(), { timeout: 3_000 }).toContain('reconnected');
  await expect.poll(() => presenceOfOther(ann)).toBe('here');
  const before = await bob.frames();
  await expect.poll(() => bob.frames()).toBeGreaterThan(before + 10);
  expect(await bob.events()).not.toContain('rebuilding');
  expect(await bob.page.evaluate(() => document.body.textContent)).toContain('are you asleep?');
  await ann.sees(1);
  await bob.page.close();
});

test('a page is frozen for longer than the grace period: with a token function it is rebuilt', async ({
  browser,
  running,
  room,
  join,
}) => {
  test.setTimeout(90_000);
  const ann = await join('Ann');
  const bob = await Sleeper.join(browser, running.url, room);
  await ann.sees(1);
  await bob.page.evaluate(() => {
    const video = document.querySelector<HTMLElement>('[data-testid="tile"] video');
    if (video) video.dataset['marked'] = 'yes';
  });
  await bob.page.freeze();
  await expect(ann.event('connectionDestroyed')).toHaveCount(1, { timeout: RESUME_GRACE_MS + 10_000 });
  await bob.page.thaw();
  await expect.poll(() => bob.events()).toContain('rebuilt');
  const before = await bob.frames();
  await expect.poll(() => bob.frames()).toBeGreaterThan(before + 10);
  await ann.sees(1);
  const events = await bob.events();
  for (const event of ['sessionDestroyed', 'streamDestroyed', 'connectionDestroyed', 'sessionDisconnected']) {
    expect(events).not.toContain(event);
  }
  const marked = await bob.page.evaluate(
    () => document.querySelector<HTMLElement>('[data-testid="tile"] video')?.dataset['marked'],
  );
  expect(marked).toBe('yes');
  await bob.page.close();
});

test('a page returns from the back/forward cache, and so does its session', async ({ running, room, join }) => {
  const ann = await join('Ann');
  const executablePath = process.env['CHROMIUM_PATH'];
  const browser = await chromium.launch({
    args: CHROMIUM_ARGS,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    ...(executablePath ? { executablePath } : {}),
  });
  try {
    const page = await browser.newPage();
    await page.goto(`${running.url}/health`);
    await page.addScriptTag({ url: '/dist/rejoin.min.js' });
    // A page without media, because browsers do not cache one with an open camera.
    await page.evaluate(
      async (token) => {
        const { Rejoin } = globalThis as unknown as { Rejoin: typeof Sdk };
        const session = new Rejoin.Rejoin().initSession();
        const seen: string[] = [];
        for (const event of ['reconnecting', 'reconnected', 'sessionDisconnected', 'rebuilding'] as const) {
          session.on(event, () => seen.push(event));
        }
        session.on('signal:chat', ({ data }) => seen.push(String(data)));
        Object.assign(globalThis, { seen });
        addEventListener('pageshow', ({ persisted }) => seen.push(persisted ? 'from the cache' : 'loaded'));
        await session.connect(token);
      },
      await running.token(room),
    );
    await page.goto(`${running.url}/health?elsewhere`);
    await ann.say('sent while Bob was elsewhere');
    // Playwright waits for a load event, which a cached page does not have.
    await page.goBack({ waitUntil: 'commit', timeout: 2_000 }).catch(() => {});
    const seen = (): Promise<string[]> => page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
    await expect.poll(seen).toContain('reconnected');
    await expect.poll(async () => (await seen()).join(' ')).toContain('sent while Bob was elsewhere');
    expect((await seen()).filter((what) => !what.includes('elsewhere'))).toEqual([
      'reconnecting',
      'from the cache',
      'reconnected',
    ]);
    await expect(ann.event('connectionDestroyed')).toHaveCount(0);
  } finally {
    await browser.close();
  }
});

test('without a network attempts are rare; when it returns, the next one follows at once', async ({ meet }) => {
  const [ann, bob] = await meet();
  await bob.page.evaluate(() => {
    const attempts: object[] = [];
    const { session } = (globalThis as unknown as { demo: Demo }).demo;
    session?.on('reconnecting', ({ plane, cause, nextDelayMs }) => attempts.push({ plane, cause, nextDelayMs }));
    Object.assign(globalThis, { attempts });
  });
  await bob.page.context().setOffline(true);
  await bob.dropSockets();
  await expect(bob.event('reconnecting').first()).toBeAttached();
  await ann.say('where are you?');
  const attempts = await bob.page.evaluate(
    () => (globalThis as unknown as { attempts: { cause: string; nextDelayMs: number }[] }).attempts,
  );
  for (const { cause, nextDelayMs } of attempts) {
    expect(cause).toBe('offline');
    // With a network the first one would follow within 250 ms.
    expect(nextDelayMs).toBeGreaterThanOrEqual(500);
  }
  await bob.page.context().setOffline(false);
  await expect(bob.event('reconnected')).toHaveCount(1, { timeout: 3_000 });
  await bob.reads('where are you?');
  await Promise.all([ann.sees(1), bob.sees(1)]);
});

test('a page that becomes visible detects a dead socket at once', async ({ join }) => {
  const bob = await join('Bob');
  const noticedMs = await bob.page.evaluate(async () => {
    const { watched, demo } = globalThis as unknown as {
      watched: { sockets: WebSocket[]; deaf: Set<WebSocket> };
      demo: Demo;
    };
    // Half-open, as after a change of networks: nothing arrives any more, in either direction.
    for (const socket of watched.sockets) {
      socket.send = () => {};
      watched.deaf.add(socket);
    }
    const since = performance.now();
    const noticed = new Promise((resolve) => demo.session?.once('reconnecting', resolve));
    document.dispatchEvent(new Event('visibilitychange'));
    await noticed;
    return performance.now() - since;
  });
  // A heartbeat would need 2.5 to 4.5 s.
  expect(noticedMs).toBeLessThan(2_400);
  await expect(bob.event('reconnected')).toHaveCount(1);
});

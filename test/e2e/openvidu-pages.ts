import { test as base, expect, type Page } from 'playwright/test';
import type { FailoverPolicy } from '../../src/server/store/store.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { OpenViduAppServer } from './openvidu-app-server.ts';

/**
 * Applications of OpenVidu 2 in plain JavaScript, in `openvidu-pages/`. They use `openvidu-compat.min.js` in place of
 * OpenVidu's script, and an application server with OpenVidu's own server SDK. The applications do not know Rejoin.
 */
interface TestFixtures {
  /** This test's own session. */
  room: string;
  /** Opens a page of the folder, by its name without `.html`, in its own browser context. */
  open: (name: string, parameters?: Readonly<Record<string, string>>) => Promise<Page>;
}
interface WorkerFixtures {
  /** Effect of an owner's crash in this file's cluster. */
  failover: FailoverPolicy;
  running: RunningCluster;
  app: OpenViduAppServer;
}

let rooms = 0;

export const test = base.extend<TestFixtures, WorkerFixtures>({
  failover: ['rebuild', { scope: 'worker', option: true }],

  running: [
    async ({ failover }, use) => {
      const running = await RunningCluster.start({
        failover,
        directories: [
          { prefix: '/', directory: 'test/e2e/openvidu-pages' },
          { prefix: '/dist/', directory: 'dist' },
          { prefix: '/vue/', directory: 'node_modules/vue/dist' },
          { prefix: '/vue2/', directory: 'node_modules/vue2/dist' },
          { prefix: '/pinia/', directory: 'node_modules/pinia/dist' },
        ],
      });
      await use(running);
      await running.stop();
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  app: [
    async ({ running }, use) => {
      const app = await OpenViduAppServer.start(running.url, running.cluster.secret);
      await use(app);
      await app.close();
    },
    { scope: 'worker' },
  ],

  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures wanted from this pattern
  room: async ({}, use) => {
    rooms += 1;
    await use(`openvidu-${process.pid}-${rooms}`);
  },

  open: async ({ browser, running, app, room }, use) => {
    const pages: Page[] = [];
    const errors: string[] = [];
    await use(async (name, parameters = {}) => {
      const context = await browser.newContext();
      const page = await context.newPage();
      page.on('pageerror', (error) => errors.push(`${name}: ${String(error.stack ?? error)}`));
      const query = new URLSearchParams({ server: app.url, session: room, ...parameters });
      await page.goto(`${running.url}/${name}.html?${query}`);
      pages.push(page);
      return page;
    });
    await Promise.all(pages.map((page) => page.context().close()));
    expect(errors, 'errors of the pages').toEqual([]);
  },
});

/** Waits until all `count` videos of `selector` show frames that advance from now on. */
export async function plays(page: Page, selector: string, count = 1): Promise<void> {
  const videos = page.locator(selector);
  await expect(videos).toHaveCount(count);
  const frames = (): Promise<number[]> =>
    videos.evaluateAll((all) =>
      all.map((video) => (video as HTMLVideoElement).getVideoPlaybackQuality().totalVideoFrames),
    );
  const before = await frames();
  await expect
    .poll(async () => (await frames()).every((now, at) => now >= (before[at] ?? 0) + 10), { timeout: 20_000 })
    .toBe(true);
}

export { expect } from 'playwright/test';

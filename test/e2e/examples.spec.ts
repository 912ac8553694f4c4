import type { Page } from 'playwright/test';
import { test as base, expect } from './fixtures.ts';
import { plays } from './openvidu-pages.ts';
import { ReactExample } from './react-example.ts';

/** Kept by the page for the test. */
interface Used {
  /** How often camera and microphone were asked for. */
  openings: number;
  tracks: MediaStreamTrack[];
  sockets: WebSocket[];
}

interface TestFixtures {
  /** Opens the example in a browser context of its own and joins the room in it. */
  enter: (name: string) => Promise<Page>;
}
interface WorkerFixtures {
  example: ReactExample;
}

const test = base.extend<TestFixtures, WorkerFixtures>({
  example: [
    async ({ running }, use) => {
      const example = await ReactExample.start(running.cluster);
      await use(example);
      await example.stop();
    },
    { scope: 'worker', timeout: 120_000 },
  ],

  enter: async ({ browser, example, room }, use) => {
    const pages: Page[] = [];
    const errors: string[] = [];
    await use(async (name) => {
      const page = await (await browser.newContext()).newPage();
      pages.push(page);
      page.on('pageerror', (error) => errors.push(`${name}: ${String(error.stack ?? error)}`));
      await page.addInitScript(watchUse);
      await page.goto(example.url);
      await page.getByLabel('Your name').fill(name);
      await page.getByLabel('Room').fill(room);
      await page.getByRole('button', { name: 'Join' }).click();
      return page;
    });
    await Promise.all(pages.map((page) => page.context().close()));
    expect(errors, 'errors that the pages threw').toEqual([]);
  },
});

test('the React example in StrictMode uses one session and one camera a page, outlives the owner, and leaves nobody behind', async ({
  enter,
  running,
  room,
}) => {
  const ann = await enter('Ann');
  const bob = await enter('Bob');
  const pages = [ann, bob];
  await expect(ann.getByRole('figure').filter({ hasText: 'Bob' })).toBeVisible();
  await expect(bob.getByRole('figure').filter({ hasText: 'Ann' })).toBeVisible();
  for (const page of pages) {
    await plays(page, 'figure video', 2);
    // Mounted, unmounted and mounted again: what the first one had is closed.
    await expect.poll(() => used(page)).toEqual({ openings: 2, cameras: 1, microphones: 1, sockets: 1 });
  }
  expect(await present(room)).toBe(2);

  await ann.getByRole('button', { name: 'Mute' }).click();
  await expect(bob.getByRole('figure').filter({ hasText: 'Ann (muted)' })).toBeVisible();

  const before = await running.session(room);
  const rebuilding = pages.map((page) => page.getByRole('status').filter({ hasText: 'Rebuilding' }).waitFor());
  running.cluster.kill(await running.ownerOf(room));
  await Promise.all(rebuilding);
  for (const page of pages) await expect(page.getByRole('status')).toHaveCount(0);
  expect((await running.session(room))?.uniqueSessionId).not.toBe(before?.uniqueSessionId);
  // The media of the session that has died flows on for a while. What plays after it is that of the new one.
  await expect.poll(() => mediaRooms(), { timeout: 20_000 }).toBe(1);
  for (const page of pages) {
    await plays(page, 'figure video', 2);
    await expect.poll(() => used(page)).toEqual({ openings: 2, cameras: 1, microphones: 1, sockets: 1 });
  }
  await expect(bob.getByRole('figure').filter({ hasText: 'Ann (muted)' })).toBeVisible();

  await ann.getByRole('button', { name: 'Leave' }).click();
  await expect.poll(() => used(ann)).toEqual({ openings: 2, cameras: 0, microphones: 0, sockets: 0 });
  await plays(bob, 'figure video', 1);
  await expect.poll(() => present(room)).toBe(1);
  await bob.close();
  await expect.poll(() => present(room)).toBe(0);

  /** How many participants the server counts, with those whose token is unused. A session ends with its last participant. */
  async function present(sessionId: string): Promise<number> {
    const { status, json } = await running.rest('GET', `/sessions/${sessionId}?pendingConnections=true`);
    return status === 404 ? 0 : (json['connections'] as { numberOfElements: number }).numberOfElements;
  }

  /** On all media nodes. */
  async function mediaRooms(): Promise<number> {
    const nodes = running.cluster.nodes().filter(({ role }) => role === 'media-node');
    const counts = nodes.map(async ({ internalUrl }) => {
      const metrics = await (await fetch(`${internalUrl}/metrics`)).text();
      return Number(/^rejoin_media_rooms\S* (\d+)$/m.exec(metrics)?.[1]);
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }
});

/** Runs in the page before its scripts. */
function watchUse(): void {
  const kept: Used = { openings: 0, tracks: [], sockets: [] };
  Object.assign(globalThis, { used: kept });
  const devices = navigator.mediaDevices;
  const open = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    kept.openings += 1;
    const stream = await open(constraints);
    kept.tracks.push(...stream.getTracks());
    return stream;
  };
  const Native = WebSocket;
  globalThis.WebSocket = class extends Native {
    constructor(to: string | URL, protocols?: string | string[]) {
      super(to, protocols);
      kept.sockets.push(this);
    }
  };
}

/** The page's current use of devices and elements. */
function used(page: Page): Promise<{ openings: number; cameras: number; microphones: number; sockets: number }> {
  return page.evaluate(() => {
    const { openings, tracks, sockets } = (globalThis as unknown as { used: Used }).used;
    const live = (kind: string): number =>
      tracks.filter((track) => track.kind === kind && track.readyState === 'live').length;
    const open = sockets.filter(({ readyState }) => readyState < WebSocket.CLOSING);
    return { openings, cameras: live('video'), microphones: live('audio'), sockets: open.length };
  });
}

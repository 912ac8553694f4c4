import type * as Sdk from '../../src/client/index.ts';
import { expect, test } from './fixtures.ts';
import type { Guest } from './guest.ts';

/** The demo page's interface for tests, and the state that a test keeps in it. */
interface Page {
  readonly demo: { readonly session: Sdk.Session | undefined };
  readonly Rejoin: typeof Sdk;
  tiles: HTMLVideoElement[];
  extra: Sdk.Publisher;
}

/** Waits until every video of the test shows frames that advance from now on. */
async function tilesMove({ page }: Guest, count: number): Promise<void> {
  const frames = (): Promise<number[]> =>
    page.evaluate(() => {
      const { tiles } = globalThis as unknown as Page;
      return tiles.map((video) => video.getVideoPlaybackQuality().totalVideoFrames);
    });
  const before = await frames();
  expect(before).toHaveLength(count);
  await expect
    .poll(async () => (await frames()).every((now, at) => now > (before[at] ?? 0) + 10), { timeout: 20_000 })
    .toBe(true);
}

test('a tile that is mounted twice in a tick shows the stream, in every order of calls', async ({ meet }) => {
  const [ann, bob] = await meet();
  for (const way of [
    'subscribed twice',
    'subscribed, unsubscribed, subscribed',
    'the older one ended later',
  ] as const) {
    await bob.page.evaluate(async (how) => {
      const here = globalThis as unknown as Page;
      const { session } = here.demo;
      const stream = session?.streamManagers.find(({ remote }) => remote)?.stream;
      if (!session || !stream) throw new Error('There is no stream.');
      const first = session.subscribe(stream);
      if (how.includes('unsubscribed')) await session.unsubscribe(first);
      const second = session.subscribe(stream);
      const video = document.createElement('video');
      video.autoplay = true;
      video.muted = true;
      document.body.append(video);
      second.addVideoElement(video);
      here.tiles = [video];
      if (how.includes('later')) await session.unsubscribe(first);
    }, way);
    await tilesMove(bob, 1);
  }
  await ann.sees(1);
  await expect(bob.event('exception')).toHaveCount(0);
});

test('a publisher that is published, unpublished and published in a tick is visible once', async ({ meet }) => {
  const [ann, bob] = await meet();
  await bob.page.evaluate(async () => {
    const { demo, Rejoin } = globalThis as unknown as Page;
    const publisher = new Rejoin.Rejoin().initPublisher(undefined, { audioSource: false });
    // As in real pages, the camera stays open.
    publisher.on('streamDestroyed', (event) => event.preventDefault());
    await publisher.ready;
    const first = demo.session?.publish(publisher).catch(() => 'withdrawn');
    await demo.session?.unpublish(publisher);
    await demo.session?.publish(publisher);
    await first;
  });
  await ann.sees(2);
  await expect.poll(() => ann.videos.count()).toBe(2);
});

test('a rebuild restores everything: a camera that is off, a second publisher, several videos of one stream', async ({
  meet,
  running,
  room,
}) => {
  const [ann, bob] = await meet();
  // A second publisher, as for a shared screen.
  await ann.page.evaluate(async () => {
    const here = globalThis as unknown as Page;
    here.extra = new here.Rejoin.Rejoin().initPublisher(undefined, { audioSource: false, resolution: '320x240' });
    await here.demo.session?.publish(here.extra);
  });
  await bob.sees(2);
  await bob.page.evaluate(() => {
    const here = globalThis as unknown as Page;
    here.tiles = [];
    for (const manager of here.demo.session?.streamManagers ?? []) {
      if (!manager.remote) continue;
      for (let copy = 0; copy < 2; copy += 1) {
        const video = document.createElement('video');
        video.autoplay = true;
        video.muted = true;
        document.body.append(video);
        manager.addVideoElement(video);
        here.tiles.push(video);
      }
    }
  });
  await tilesMove(bob, 4);
  // Bob's camera is off: he sends no picture, and must not start.
  await bob.page.keyboard.press('v');
  const bobsCamera = (): Promise<boolean | undefined> =>
    ann.page.evaluate(() => {
      const { session } = (globalThis as unknown as Page).demo;
      return session?.streamManagers.find(({ remote }) => remote)?.stream?.videoActive;
    });
  await expect.poll(bobsCamera).toBe(false);
  await bob.sees(2);
  await bob.markVideos();
  const owner = await running.ownerOf(room);
  const pid = running.cluster.kill(owner);
  for (const guest of [ann, bob]) await expect(guest.event('rebuilt')).toHaveCount(1);
  const streams = async (): Promise<string> => JSON.stringify((await running.rest('GET', `/sessions/${room}`)).json);
  // Wait for the ids of the new life before watching.
  await expect
    .poll(async () => {
      const known = await streams();
      const ids = await bob.page
        .getByTestId('tile')
        .evaluateAll((tiles) => tiles.map((tile) => tile.dataset['streamId']));
      return ids.length === 2 && ids.every((id) => id !== undefined && known.includes(id));
    })
    .toBe(true);
  expect(await bob.longestGap()).toBeLessThan(2_000);
  await tilesMove(bob, 4);
  expect(await bob.sameVideos()).toBe(true);
  expect(await bobsCamera()).toBe(false);
  for (const guest of [ann, bob]) await expect(guest.event('streamDestroyed')).toHaveCount(0);
  await bob.page.keyboard.press('v');
  await expect.poll(bobsCamera).toBe(true);
  await ann.sees(1);
  await running.restarted(owner, pid);
});

import type { Page } from 'playwright/test';
import { MediaRelay } from './media-relay.ts';
import { expect, plays, test } from './openvidu-pages.ts';

// A plain token suffices when only the media moves.
test.use({ failover: 'takeover' });

const log = (page: Page): Promise<string[]> => page.locator('#log li').allInnerTexts();
const qualities = (page: Page): Promise<string[]> =>
  page.evaluate(() => (globalThis as unknown as { qualities: string[] }).qualities);

const exceptions = (page: Page): Promise<string[]> =>
  page.evaluate(() => (globalThis as unknown as { exceptions: string[] }).exceptions);

/** The colour in a video's middle: red, green and blue, 0 to 255. */
function colour(page: Page, selector: string): Promise<number[]> {
  return page.locator(selector).evaluate((element) => {
    const video = element as HTMLVideoElement;
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const context = canvas.getContext('2d');
    context?.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
    return [...(context?.getImageData(0, 0, 1, 1).data ?? [])].slice(0, 3);
  });
}

async function isRed(page: Page, selector: string): Promise<void> {
  await expect
    .poll(async () => {
      const [red = 0, green = 0, blue = 0] = await colour(page, selector);
      return red > 150 && green < 80 && blue < 80;
    })
    .toBe(true);
}

const cameraOf = (page: Page): Promise<string | undefined> =>
  page.evaluate(() => {
    const { publisher } = globalThis as unknown as { publisher: { stream: { getMediaStream(): MediaStream } } };
    return publisher.stream.getMediaStream().getVideoTracks()[0]?.readyState;
  });

test('the camera is released and opened again, and a new media node does not interfere', async ({
  open,
  running,
  room,
}) => {
  const ann = await open('media');
  const bob = await open('media', { watch: 'yes' });
  await plays(bob, '#subscribers video');
  await ann.locator('#free').click();
  await expect.poll(() => log(bob)).toEqual(['ready', 'videoActive publishVideo false']);
  await expect.poll(() => log(ann)).toEqual(['ready', 'videoActive publishVideo false']);
  expect(await cameraOf(ann)).toBe('ended');

  // The stream is published again without a camera.
  const mediaNode = await running.mediaNodeOf(room);
  const pid = running.cluster.kill(mediaNode);
  await running.restarted(mediaNode, pid);
  await expect.poll(() => running.mediaNodeOf(room)).not.toBe(mediaNode);
  await ann.locator('#camera').click();
  await expect.poll(() => log(bob)).toContain('videoActive publishVideo true');
  expect(await cameraOf(ann)).toBe('live');
  const told = ['ready', 'videoActive publishVideo false', 'videoActive publishVideo true'];
  expect(await log(ann)).toEqual(told);
  // Bob receives another track, in the same video.
  const moved = 'videoTrack trackReplaced string';
  expect((await log(bob)).filter((line) => line !== moved)).toEqual(told);
  await expect.poll(() => log(bob)).toContain(moved);
  await plays(bob, '#subscribers video');
  await plays(ann, '#publisher video');
});

test('another track in place of the camera: others see it and get events for it and its size', async ({ open }) => {
  const ann = await open('media');
  const bob = await open('media', { watch: 'yes' });
  await plays(bob, '#subscribers video');
  const video = bob.locator('#subscribers video');
  await video.evaluate((element) => {
    element.dataset['marked'] = 'yes';
  });
  await ann.locator('#paint').click();
  await isRed(ann, '#publisher video');
  await isRed(bob, '#subscribers video');
  const changes = ['videoTrack trackReplaced string', 'videoDimensions trackReplaced 400x300'];
  for (const page of [ann, bob]) await expect.poll(() => log(page)).toEqual(['ready', ...changes]);
  await ann.locator('#turn').click();
  changes.push('videoDimensions deviceRotated 300x400');
  for (const page of [ann, bob]) await expect.poll(() => log(page)).toEqual(['ready', ...changes]);
  // A later participant gets the present size.
  const cleo = await open('media', { watch: 'yes' });
  await isRed(cleo, '#subscribers video');
  const known = await cleo.evaluate(() => {
    interface Managed {
      readonly stream: { readonly videoDimensions: object };
    }
    const { session } = globalThis as unknown as { session: { streamManagers: Managed[] } };
    return session.streamManagers[0]?.stream.videoDimensions;
  });
  expect(known).toEqual({ width: 300, height: 400 });
  await expect(video).toHaveAttribute('data-marked', 'yes');
});

test('a track replaced before publishing, or while muted, is sent later', async ({ open }) => {
  const ann = await open('media', { painted: 'yes' });
  const bob = await open('media', { watch: 'yes' });
  await isRed(bob, '#subscribers video');
  await ann.evaluate(() => {
    const { publisher } = globalThis as unknown as { publisher: { publishVideo(on: boolean): Promise<void> } };
    return publisher.publishVideo(false);
  });
  await expect.poll(() => log(bob)).toEqual(['ready', 'videoActive publishVideo false']);
  await ann.locator('#paint').click();
  await expect.poll(() => log(bob)).toContain('videoTrack trackReplaced string');
  const shown = (): Promise<number> =>
    bob
      .locator('#subscribers video')
      .evaluate((element) => (element as HTMLVideoElement).getVideoPlaybackQuality().totalVideoFrames);
  const before = await shown();
  await ann.locator('#camera').click();
  await expect.poll(() => log(bob)).toContain('videoActive publishVideo true');
  await expect.poll(shown).toBeGreaterThan(before);
  await isRed(bob, '#subscribers video');
});

test('the quality of the network is measured: far away, broken, and good again', async ({
  browser,
  open,
  running,
  app,
  room,
}) => {
  test.slow();
  const relay = new MediaRelay();
  const context = await browser.newContext();
  const bob = await context.newPage();
  try {
    await relay.between(bob);
    const ann = await open('media', { sound: 'yes' });
    await bob.goto(
      `${running.url}/media.html?${new URLSearchParams({ server: app.url, session: room, sound: 'yes' })}`,
    );
    for (const page of [ann, bob]) await plays(page, '#subscribers video');
    const last = async (whose: string, page = ann): Promise<number | undefined> => {
      const all = (await qualities(page)).filter((line) => line.startsWith(whose));
      const text = all.at(-1)?.split(' ')[2];
      return text === undefined ? undefined : Number(text);
    };
    // A busy machine may not reach more than that.
    await expect.poll(() => last('theirs'), { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
    await expect.poll(() => last('mine'), { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
    relay.delayMs = 400;
    await expect.poll(() => last('theirs'), { timeout: 30_000 }).toBeLessThanOrEqual(1);
    relay.delayMs = 0;
    await expect.poll(() => last('theirs'), { timeout: 30_000 }).toBeGreaterThanOrEqual(3);
    relay.isDown = true;
    relay.cut();
    await expect.poll(() => last('theirs'), { timeout: 30_000 }).toBe(0);
    // Bob gets the level and the exception, too.
    await expect.poll(() => last('mine', bob)).toBe(0);
    await expect.poll(() => exceptions(bob)).toContain('ICE_CONNECTION_DISCONNECTED stream');
    relay.isDown = false;
    await expect.poll(() => last('theirs'), { timeout: 40_000 }).toBeGreaterThan(0);
    expect(await last('mine')).toBeGreaterThanOrEqual(3);
  } finally {
    await context.close();
    await relay.close();
  }
});

import type { Page } from 'playwright/test';
import { test as base, expect } from './fixtures.ts';
import { Guest } from './guest.ts';
import { MediaRelay } from './media-relay.ts';

/** Bob's media passes through a network that can fail; his socket does not. */
const test = base.extend<{ relay: MediaRelay; bob: Guest }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures wanted from this pattern
  relay: async ({}, use) => {
    const relay = new MediaRelay();
    await use(relay);
    await relay.close();
  },

  bob: async ({ browser, running, room, relay }, use) => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await relay.between(page);
    await countRestarts(page);
    await use(await Guest.open(page, running.url, { room, name: 'Bob' }));
    await context.close();
  },
});

async function countRestarts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    Object.assign(globalThis, { restarts: 0 });
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (data: string) {
      if (data.includes('"restartIce"')) (globalThis as unknown as { restarts: number }).restarts += 1;
      return send.call(this, data);
    };
  });
}

const restartsOf = ({ page }: Guest): Promise<number> =>
  page.evaluate(() => (globalThis as unknown as { restarts: number }).restarts);

/** Waits for more frames; `longestGap()` still includes the time before. */
async function goesOn({ page }: Guest, frames: number): Promise<void> {
  const shown = (): Promise<number> =>
    page.evaluate(() => {
      const video = document.querySelector<HTMLVideoElement>('[data-testid="tile"] video');
      return video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
    });
  const before = await shown();
  await expect.poll(shown, { timeout: 20_000 }).toBeGreaterThan(before + frames);
}

async function nothingWasTold(...guests: Guest[]): Promise<void> {
  for (const guest of guests) {
    for (const event of ['reconnecting', 'sessionDestroyed', 'streamDestroyed', 'connectionPresence', 'exception']) {
      await expect(guest.event(event), `${guest.name}: ${event}`).toHaveCount(0);
    }
    expect(await guest.sameVideos()).toBe(true);
  }
}

test('the media’s path breaks but the socket lives: ICE restarts both ways, and nothing else changes', async ({
  join,
  relay,
  bob,
}) => {
  const ann = await join('Ann');
  await Promise.all([ann.sees(1), bob.sees(1)]);
  for (const guest of [ann, bob]) await guest.markVideos();
  expect(relay.cut()).toBeGreaterThanOrEqual(2);
  // The browser needs some seconds to notice.
  await expect.poll(() => restartsOf(bob), { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
  await Promise.all([goesOn(ann, 30), goesOn(bob, 30)]);
  // Proves that the path was really broken.
  for (const guest of [ann, bob]) expect(await guest.longestGap()).toBeGreaterThan(2_000);
  await nothingWasTold(ann, bob);
});

test('the browser reports another network: the media recovers before its loss would have been noticed', async ({
  join,
  relay,
  bob,
}) => {
  const ann = await join('Ann');
  await Promise.all([ann.sees(1), bob.sees(1)]);
  for (const guest of [ann, bob]) await guest.markVideos();
  relay.cut();
  await bob.page.evaluate(() => dispatchEvent(new Event('online')));
  await expect.poll(() => restartsOf(bob)).toBe(2);
  await Promise.all([goesOn(ann, 10), goesOn(bob, 10)]);
  expect(await restartsOf(bob)).toBe(2);
  // Chromium itself reports nothing for five seconds.
  for (const guest of [ann, bob]) expect(await guest.longestGap()).toBeLessThan(4_000);
  await nothingWasTold(ann, bob);
});

/** Makes the next restart name another transport, so that Bob's client and the media node disagree. */
async function misnameNextRestart({ page }: Guest): Promise<void> {
  await page.evaluate(() => {
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (data: string) {
      const isRestart = data.includes('"restartIce"');
      if (isRestart) WebSocket.prototype.send = send;
      return send.call(this, isRestart ? data.replace(/"key":"[^"]*"/, '"key":"another"') : data);
    };
  });
}

test('no path can help because the transport is lost: new transports carry everything on', async ({
  join,
  relay,
  bob,
}) => {
  const ann = await join('Ann');
  await Promise.all([ann.sees(1), bob.sees(1)]);
  for (const guest of [ann, bob]) await guest.markVideos();
  await misnameNextRestart(bob);
  relay.cut();
  await expect(bob.event('reconnected')).toHaveCount(1, { timeout: 20_000 });
  await Promise.all([goesOn(ann, 30), goesOn(bob, 30)]);
  await expect(bob.event('reconnecting')).toHaveCount(1);
  for (const event of ['sessionDestroyed', 'streamDestroyed', 'connectionPresence', 'exception']) {
    await expect(bob.event(event), event).toHaveCount(0);
  }
  expect(await bob.sameVideos()).toBe(true);
  // Ann has new consumers, but no event.
  await nothingWasTold(ann);
});

test('encryption fails at first: the client makes new transports until it works', async ({
  browser,
  running,
  room,
  join,
}) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  // The first transport gets a wrong fingerprint of the media node's certificate.
  await page.addInitScript(() => {
    const native: (description: RTCSessionDescriptionInit) => Promise<void> =
      RTCPeerConnection.prototype.setRemoteDescription;
    let first: RTCPeerConnection | undefined;
    RTCPeerConnection.prototype.setRemoteDescription = async function (description: RTCSessionDescriptionInit) {
      first ??= this;
      const flip = (_all: string, head: string, digit: string): string => head + (digit === '0' ? '1' : '0');
      const sdp = (description.sdp ?? '').replace(/(a=fingerprint:\S+ )([0-9A-F])/g, flip);
      return native.call(this, this === first ? { type: description.type, sdp } : description);
    };
  });
  const ann = await join('Ann');
  const bob = await Guest.open(page, running.url, { room, name: 'Bob' });
  await ann.sees(1, 30);
  await bob.sees(1, 30);
  await expect(bob.event('reconnecting').first()).toBeAttached();
  await expect(ann.event('streamDestroyed')).toHaveCount(0);
  await context.close();
});

test('a network that is away for long: restarts continue until one succeeds', async ({ join, relay, bob }) => {
  const ann = await join('Ann');
  await Promise.all([ann.sees(1), bob.sees(1)]);
  for (const guest of [ann, bob]) await guest.markVideos();
  relay.isDown = true;
  relay.cut();
  await expect.poll(() => restartsOf(bob), { timeout: 40_000 }).toBeGreaterThanOrEqual(6);
  // After this time the SDK reports an exception.
  await expect(bob.event('exception').first()).toBeAttached();
  relay.isDown = false;
  await Promise.all([ann.sees(1, 30), bob.sees(1, 30)]);
  for (const guest of [ann, bob]) expect(await guest.sameVideos()).toBe(true);
  await expect(ann.event('streamDestroyed')).toHaveCount(0);
});

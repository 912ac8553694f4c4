import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { FaultNet } from '../fixtures/faults/fault-net.ts';
import { test as base, expect } from './fixtures.ts';
import type { Guest } from './guest.ts';

/** A cluster whose processes communicate over links that can fail; media does not pass through them. */
const test = base.extend<object, { net: FaultNet }>({
  net: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures wanted from this pattern
    async ({}, use) => {
      const net = new FaultNet(1);
      await use(net);
      await net.close();
    },
    { scope: 'worker' },
  ],

  running: [
    async ({ net, failover }, use) => {
      const running = await RunningCluster.start({
        failover,
        reachedAt: net.reachedAt,
        directories: [
          { prefix: '/', directory: 'dist/demo' },
          { prefix: '/dist/', directory: 'dist' },
        ],
      });
      await use(running);
      await running.stop();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
});
test.use({ failover: 'takeover' });
test.afterEach(({ net }) => net.heal());

/** Far below the time for detecting lost media, and above the standstills of a machine with two cores. */
const UNNOTICED_MS = 1_500;

async function stillTheSame(guests: readonly Guest[]): Promise<void> {
  for (const guest of guests) {
    expect(await guest.longestGap(), guest.name).toBeLessThan(UNNOTICED_MS);
    expect(await guest.sameVideos()).toBe(true);
    for (const event of ['sessionDestroyed', 'streamDestroyed', 'connectionDestroyed', 'exception']) {
      await expect(guest.event(event), `${guest.name}: ${event}`).toHaveCount(0);
    }
  }
}

test('the owner cannot command a media node for a while: no participant notices', async ({
  join,
  running,
  room,
  net,
}) => {
  const guests = [await join('Ann'), await join('Bob')];
  await Promise.all(guests.map((guest) => guest.sees(1)));
  for (const guest of guests) await guest.markVideos();
  const [owner, mediaNode] = [await running.ownerOf(room), await running.mediaNodeOf(room)];
  const says = (what: string): boolean => running.log(owner).some(({ msg }) => String(msg).includes(what));
  net.stall(owner, mediaNode);
  await expect.poll(() => says('its media flows')).toBe(true);
  net.heal();
  await expect.poll(() => says('answers again')).toBe(true);
  expect(await running.mediaNodeOf(room)).toBe(mediaNode);
  await stillTheSame(guests);
  for (const guest of guests) await expect(guest.event('reconnecting')).toHaveCount(0);
});

test('the owner can no longer command a media node: the media moves, and the picture does not stop', async ({
  join,
  running,
  room,
  net,
}) => {
  const guests = [await join('Ann'), await join('Bob')];
  await Promise.all(guests.map((guest) => guest.sees(1)));
  for (const guest of guests) await guest.markVideos();
  const [owner, mediaNode] = [await running.ownerOf(room), await running.mediaNodeOf(room)];
  net.stall(owner, mediaNode);
  for (const guest of guests) await expect(guest.event('reconnected')).toHaveCount(1, { timeout: 20_000 });
  expect(await running.mediaNodeOf(room)).not.toBe(mediaNode);
  net.heal();
  const { internalUrl } = running.node(mediaNode);
  await expect
    .poll(
      async () => {
        const metrics = await (await fetch(`${internalUrl}/metrics`)).text();
        return /^rejoin_media_rooms\S* (\d+)$/m.exec(metrics)?.[1];
      },
      { timeout: 20_000 },
    )
    .toBe('0');
  await stillTheSame(guests);
  await Promise.all(guests.map((guest) => guest.sees(1)));
});

test('and the path to the next node is slow and lossy: the old picture plays until the new one does', async ({
  join,
  running,
  room,
  net,
}) => {
  const guests = [await join('Ann'), await join('Bob')];
  await Promise.all(guests.map((guest) => guest.sees(1)));
  for (const guest of guests) await guest.markVideos();
  const [owner, mediaNode] = [await running.ownerOf(room), await running.mediaNodeOf(room)];
  const next = mediaNode === 'media-1' ? 'media-2' : 'media-1';
  net.stall(owner, mediaNode);
  net.delay(owner, next, { ms: 100, jitterMs: 200, loss: 0.25 });
  for (const guest of guests) await expect(guest.event('reconnected').first()).toBeAttached({ timeout: 40_000 });
  await stillTheSame(guests);
});

import { expect, plays, test } from './openvidu-pages.ts';

test.use({ failover: 'takeover' });

test('the owner crashes, and another takes over: an application with a plain token sees no loss', async ({
  open,
  room,
  running,
}) => {
  const ann = await open('fault-tolerance', { name: 'Ann' });
  const bob = await open('fault-tolerance', { name: 'Bob' });
  for (const page of [ann, bob]) {
    await plays(page, '#subscribers video');
    await page.locator('#subscribers video').evaluate((video) => Object.assign(video, { marked: true }));
  }
  const owner = await running.ownerOf(room);
  const { pid } = running.node(owner);
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => running.ownerOf(room)).not.toBe(owner);
  await running.restarted(owner, pid);
  for (const page of [ann, bob]) {
    await plays(page, '#subscribers video');
    expect(await page.locator('#subscribers video').evaluate((video) => 'marked' in video)).toBe(true);
    const told = await page.locator('#log li').allInnerTexts();
    // A client with its socket at that master sees the reconnection.
    const others = told.filter((line) => line !== 'reconnecting' && line !== 'reconnected');
    expect(others.sort()).toEqual(['joined', 'streamCreated']);
  }
});

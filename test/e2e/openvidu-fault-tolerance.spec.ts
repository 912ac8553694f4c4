import { expect, plays, test } from './openvidu-pages.ts';

test('the owner crashes: the application gets nodeCrashed, joins again, and all see each other', async ({
  open,
  room,
  running,
}) => {
  const ann = await open('fault-tolerance', { name: 'Ann' });
  const bob = await open('fault-tolerance', { name: 'Bob' });
  for (const page of [ann, bob]) {
    await plays(page, '#subscribers video');
    await plays(page, '#publisher video');
  }
  const { pid } = running.node(await running.ownerOf(room));
  process.kill(pid, 'SIGKILL');
  for (const page of [ann, bob]) {
    const log = page.locator('#log li');
    await expect(log.filter({ hasText: 'sessionDisconnected nodeCrashed' })).toHaveCount(1);
    await expect(log.filter({ hasText: /^joined$/ })).toHaveCount(2);
  }
  for (const page of [ann, bob]) {
    await plays(page, '#subscribers video');
    await plays(page, '#publisher video');
    await expect(page.locator('#log li').filter({ hasText: 'error' })).toHaveCount(0);
    await expect(page.locator('#log li').filter({ hasText: 'streamDestroyed' })).toHaveCount(0);
  }
});

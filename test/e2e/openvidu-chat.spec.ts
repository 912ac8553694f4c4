import { expect, plays, test } from './openvidu-pages.ts';

test('names and messages: metadata of client and server, signals by type, to all and to one participant', async ({
  open,
}) => {
  const ann = await open('chat', { name: 'Ann', seat: '1A' });
  await plays(ann, '#video-container video');
  const bob = await open('chat', { name: 'Bob', seat: '1B' });
  const cleo = await open('chat', { name: 'Cleo', seat: '2A' });
  for (const page of [ann, bob, cleo]) {
    await plays(page, '#video-container video', 3);
    await expect(page.locator('#participants li')).toHaveCount(3);
    // Of the SDK's videos, by listeners that were added later.
    await expect(page.locator('video + p.data-node')).toHaveCount(3);
  }
  // The own connection first, then the others in their order.
  await expect(bob.locator('#participants li')).toHaveText(['Bob (1B)', 'Ann (1A)', 'Cleo (2A)']);
  await expect(ann.locator('#participants li')).toHaveText(['Ann (1A)', 'Bob (1B)', 'Cleo (2A)']);

  await ann.locator('#text').fill('Hello, all');
  await ann.locator('#text').press('Enter');
  for (const page of [bob, cleo]) await expect(page.locator('#messages li.theirs')).toHaveText(['Ann: Hello, all']);
  // A broadcast includes its sender.
  await expect(ann.locator('#messages li.mine')).toHaveText(['Ann: Hello, all']);

  await bob.locator('#recipient').selectOption({ label: 'Ann' });
  await bob.locator('#text').fill('Psst');
  await bob.locator('#text').press('Enter');
  await expect(ann.locator('#messages li.theirs')).toHaveText(['Bob whispers: Psst']);
  await expect(ann.locator('#count')).toHaveText('2');
  for (const page of [bob, cleo]) await expect(page.locator('#count')).toHaveText('1');

  await cleo.close();
  for (const page of [ann, bob]) {
    await expect(page.locator('#participants li')).toHaveCount(2);
    await expect(page.locator('#video-container video')).toHaveCount(2);
    await expect(page.locator('#video-container .data-node')).toHaveCount(2);
  }
});

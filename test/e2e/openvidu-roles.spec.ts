import type { Locator, Page } from 'playwright/test';
import { expect, plays, test } from './openvidu-pages.ts';

const log = (page: Page): Locator => page.locator('#log li');

const capabilities = async (page: Page): Promise<unknown> => {
  await expect(page.locator('#capabilities')).not.toBeEmpty();
  return JSON.parse((await page.locator('#capabilities').textContent()) ?? '');
};

test('a SUBSCRIBER may not publish, a PUBLISHER may not moderate, and both get a named error', async ({ open }) => {
  const ann = await open('roles', { role: 'PUBLISHER' });
  await plays(ann, '#publisher video');
  expect(await capabilities(ann)).toEqual({
    subscribe: true,
    publish: true,
    forceUnpublish: false,
    forceDisconnect: false,
  });
  const bob = await open('roles', { role: 'SUBSCRIBER' });
  expect(await capabilities(bob)).toEqual({
    subscribe: true,
    publish: false,
    forceUnpublish: false,
    forceDisconnect: false,
  });
  await plays(bob, '#subscribers video');
  await bob.locator('#publish').click();
  await bob.locator('#expel').click();
  await bob.locator('#silence').click();
  await expect(log(bob)).toHaveText([
    'streamCreated',
    'connected as SUBSCRIBER',
    'publish OPENVIDU_PERMISSION_DENIED',
    'forceDisconnect OPENVIDU_PERMISSION_DENIED',
    'forceUnpublish OPENVIDU_PERMISSION_DENIED',
  ]);
  await expect(ann.locator('#subscribers video')).toHaveCount(0);
});

test('a MODERATOR ends a stream, and then disconnects its publisher', async ({ open }) => {
  const ann = await open('roles', { role: 'PUBLISHER' });
  await plays(ann, '#publisher video');
  const bob = await open('roles', { role: 'SUBSCRIBER' });
  await plays(bob, '#subscribers video');
  const host = await open('roles', { role: 'MODERATOR' });
  await plays(host, '#subscribers video');
  await plays(ann, '#subscribers video');

  await host.locator('#silence').click();
  await expect(log(host).last()).toHaveText('forceUnpublish done');
  // Only her publisher emits the event; its camera is closed.
  await expect(log(ann).last()).toHaveText('publisher streamDestroyed forceUnpublishByUser');
  await expect(ann.locator('#publisher video')).toHaveCount(0);
  await expect(log(ann).filter({ hasText: /^streamDestroyed/ })).toHaveCount(0);
  await expect(log(bob).filter({ hasText: 'streamDestroyed forceUnpublishByUser' })).toHaveCount(1);
  await expect(bob.locator('#subscribers video')).toHaveCount(1);
  // She is still in the session, and may publish again.
  await plays(ann, '#subscribers video');
  await ann.locator('#publish').click();
  await plays(host, '#subscribers video');

  await host.locator('#expel').click();
  await expect(log(host).filter({ hasText: 'forceDisconnect done' })).toHaveCount(1);
  await expect(log(ann).last()).toHaveText('sessionDisconnected forceDisconnectByUser');
  await expect(ann.locator('video')).toHaveCount(0);
  for (const page of [bob, host]) {
    await expect(log(page).filter({ hasText: 'Destroyed forceDisconnectByUser' })).toHaveText([
      'streamDestroyed forceDisconnectByUser',
      'connectionDestroyed forceDisconnectByUser',
    ]);
  }
});

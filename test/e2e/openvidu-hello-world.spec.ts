import { expect, plays, test } from './openvidu-pages.ts';

test('the script sets one global, the class', async ({ page, running }) => {
  await page.goto(`${running.url}/health`);
  const before = await page.evaluate(() => Object.getOwnPropertyNames(globalThis));
  await page.addScriptTag({ url: '/dist/openvidu-compat.min.js' });
  const after = await page.evaluate(() => Object.getOwnPropertyNames(globalThis));
  expect(after.filter((name) => !before.includes(name))).toEqual(['OpenVidu']);
  const methods = await page.evaluate(() => {
    const { OpenVidu } = globalThis as unknown as { OpenVidu: new () => Record<string, unknown> };
    const openVidu = new OpenVidu();
    return [
      ...['initSession', 'initPublisher', 'initPublisherAsync', 'getDevices', 'getUserMedia'],
      ...['checkSystemRequirements', 'checkScreenSharingCapabilities', 'enableProdMode', 'setAdvancedConfiguration'],
    ].filter((name) => typeof openVidu[name] !== 'function');
  });
  expect(methods).toEqual([]);
});

test('two participants join, see each other, and leave', async ({ open }) => {
  const ann = await open('hello-world');
  const bob = await open('hello-world');
  for (const page of [ann, bob]) {
    await page.getByRole('button', { name: 'JOIN' }).click();
    await expect(page.locator('#session')).toBeVisible();
  }
  for (const page of [ann, bob]) {
    await plays(page, '#publisher video');
    await plays(page, '#subscriber video');
  }

  const own = ann.locator('#publisher video');
  await expect(own).toHaveAttribute('id', /^local-video-./);
  await expect(own).toHaveCSS('transform', 'matrix3d(-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1)');
  const other = ann.locator('#subscriber video');
  await expect(other).toHaveAttribute('id', /^remote-video-str_CAM_\w{4}_con_\w{10}$/);
  await expect(other).toHaveCSS('transform', 'none');
  const dressed = (video: HTMLVideoElement): object => {
    const { autoplay, controls, muted } = video;
    return { autoplay, controls, muted };
  };
  expect(await own.evaluate(dressed)).toEqual({ autoplay: true, controls: false, muted: true });
  expect(await other.evaluate(dressed)).toEqual({ autoplay: true, controls: false, muted: false });

  await bob.getByRole('button', { name: 'LEAVE' }).click();
  for (const page of [ann, bob]) await expect(page.locator('#subscriber video')).toHaveCount(0);
  await expect(bob.locator('#publisher video')).toHaveCount(0);
  // The application's own element stays.
  await expect(bob.locator('#publisher h3')).toHaveText('YOU');
  await plays(ann, '#publisher video');

  await bob.getByRole('button', { name: 'JOIN' }).click();
  await plays(ann, '#subscriber video');
  await plays(bob, '#subscriber video');

  // Like closing the tab.
  await bob.close({ runBeforeUnload: true });
  await expect(ann.locator('#subscriber video')).toHaveCount(0);
});

import { expect, plays, test } from './openvidu-pages.ts';

/** State containers in which a Vue application may keep OpenVidu's objects. */
const KEPT: readonly { readonly name: string; readonly page: string; readonly state: string }[] = [
  { name: 'in the data() of Vue 3', page: 'vue3', state: 'data' },
  { name: 'in a ref() of Vue 3', page: 'vue3', state: 'ref' },
  { name: 'in a store of pinia', page: 'vue3', state: 'pinia' },
  { name: 'in the data() of Vue 2', page: 'vue2', state: 'data' },
];

for (const { name, page: html, state } of KEPT) {
  test(`a call with its objects ${name}: all see each other, and the mute states`, async ({ open }) => {
    const ann = await open(html, { state, name: 'Ann' });
    const bob = await open(html, { state, name: 'Bob' });
    for (const page of [ann, bob]) await page.getByRole('button', { name: 'Join' }).click();
    await plays(ann, '#own [data-name=Ann] video');
    await plays(ann, '#others [data-name=Bob] video');
    await plays(bob, '#own [data-name=Bob] video');
    await plays(bob, '#others [data-name=Ann] video');

    const sounds = [ann.locator('#own .sound'), bob.locator('#others .sound')];
    for (const sound of sounds) await expect(sound).toHaveText('on');
    await ann.getByRole('button', { name: 'Sound' }).click();
    for (const sound of sounds) await expect(sound).toHaveText('muted');
    await ann.getByRole('button', { name: 'Sound' }).click();
    for (const sound of sounds) await expect(sound).toHaveText('on');

    await ann.getByRole('button', { name: 'Leave' }).click();
    await expect(bob.locator('#others video')).toHaveCount(0);
    await expect(ann.locator('video')).toHaveCount(0);
    await plays(bob, '#own video');
  });
}

import type { Page } from 'playwright/test';
import { expect, test } from './openvidu-pages.ts';

const log = (page: Page): Promise<string[]> => page.locator('#log li').allInnerTexts();
/** States of the open AudioContexts. */
const states = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...(globalThis as unknown as { contexts: Set<AudioContext> }).contexts].map(({ state }) => state),
  );

async function says(page: Page, ...lines: string[]): Promise<void> {
  await expect.poll(() => log(page)).toEqual(lines);
}

test('all get speaking events, until the speaker is silent, muted or has another microphone', async ({ open }) => {
  const ann = await open('speaking', { name: 'Ann', microphone: 'yes' });
  await says(ann, 'ready');
  const bob = await open('speaking', { name: 'Bob' });
  await says(bob, 'ready');
  const volume = bob.locator('#volume');
  const loudness = (): Promise<number> => volume.evaluate((meter) => (meter as HTMLMeterElement).value);

  await ann.locator('#speak').click();
  await says(ann, 'ready', 'I start', 'Ann starts, true');
  await says(bob, 'ready', 'Ann starts, true');
  await expect.poll(loudness).toBeGreaterThan(-60);
  await ann.locator('#hush').click();
  await says(ann, 'ready', 'I start', 'Ann starts, true', 'Ann stops');
  await says(bob, 'ready', 'Ann starts, true', 'Ann stops');
  await expect.poll(loudness).toBeLessThan(-60);

  await ann.locator('#speak').click();
  await says(bob, 'ready', 'Ann starts, true', 'Ann stops', 'Ann starts, true');
  await ann.locator('#mute').click();
  await says(bob, 'ready', 'Ann starts, true', 'Ann stops', 'Ann starts, true', 'Ann stops');

  // The new one starts muted, so it is silent.
  await ann.locator('#another').click();
  await expect(ann.locator('#log li').last()).toHaveText('another microphone');
  const before = (await log(ann)).length;
  await ann.locator('#unmute').click();
  await ann.locator('#speak').click();
  await expect.poll(async () => (await log(ann)).slice(before)).toEqual(['I start', 'Ann starts, true']);
  await expect(bob.locator('#speaking')).toHaveText('Ann');

  // One context for all streams, as long as there are listeners.
  for (const page of [ann, bob]) {
    await page.locator('#deafen').click();
    await expect.poll(() => states(page)).toEqual(['running']);
    for (const [what, left] of [
      ['off', []],
      ['once', ['running']],
    ] as const) {
      await page.evaluate((method) => {
        const { session } = globalThis as unknown as {
          session: Record<typeof method, (event: string, listener?: () => void) => void>;
        };
        session[method]('publisherStartSpeaking', method === 'once' ? () => {} : undefined);
      }, what);
      await expect.poll(() => states(page)).toEqual(left);
    }
  }
});

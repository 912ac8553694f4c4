import type { Page } from 'playwright/test';
import type { Session } from '../../src/client/session/session.ts';
import { paleTexts } from './contrast.ts';
import { expect, test } from './fixtures.ts';

/** Accessibility of the demo page: both themes, keyboard, touch, and no camera. */

const PHONE = { width: 390, height: 844 };

for (const colorScheme of ['dark', 'light'] as const) {
  test(`all text is readable in the ${colorScheme} theme`, async ({ browser, running, room }) => {
    const context = await browser.newContext({ colorScheme });
    const page = await context.newPage();
    await page.goto(`${running.url}/?room=${room}&name=Ann`);
    await expect(page.getByTestId('join-form')).toBeVisible();
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(ground).toBe(colorScheme === 'dark' ? 'rgb(10, 13, 19)' : 'rgb(243, 245, 250)');
    expect(await paleTexts(page)).toEqual([]);
    await page.getByTestId('join-button').click();
    await expect(page.getByTestId('state')).toHaveAttribute('data-state', 'joined');
    await expect(page.getByTestId('node-card')).toHaveCount(5);
    await page.getByTestId('chat-input').fill('Hello');
    await page.keyboard.press('Enter');
    await expect(page.getByTestId('chat-message')).toHaveAttribute('data-status', 'sent');
    expect(await paleTexts(page)).toEqual([]);
    await context.close();
  });
}

/** The focused element; the focus must never be lost. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { activeElement: at } = document;
    return at === document.body
      ? 'nowhere'
      : ((at?.id || at?.getAttribute('data-testid') || at?.className) ?? 'nowhere');
  });
}

test('the focus follows into the room, through it, and out again', async ({ page, running, room }) => {
  await page.goto(`${running.url}/?room=${room}&name=Ann`);
  await page.getByTestId('join-button').focus();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('state')).toHaveAttribute('data-state', 'joined');
  await expect.poll(() => focused(page)).toBe('room-name');

  // A temporarily disabled button keeps the focus.
  const kill = page.locator(
    '[data-testid="node-card"][data-role="media-node"][data-media="false"] [data-testid="kill-button"]',
  );
  await expect(kill).toBeEnabled();
  await kill.focus();
  await page.keyboard.press('Enter');
  await expect(kill).toHaveAttribute('aria-disabled', 'true');
  expect(await focused(page)).toBe('kill-button');
  await expect(kill).toHaveAttribute('aria-disabled', 'false');

  await page.getByTestId('chat-input').fill('Hello');
  await page.getByRole('button', { name: 'Send' }).press('Enter');
  expect(await focused(page)).not.toBe('nowhere');

  await page.getByTestId('leave-button').press('Enter');
  await expect.poll(() => focused(page)).toBe('join-button');
});

test('lists can be scrolled by keyboard', async ({ page, running, room }) => {
  await page.setViewportSize({ width: 1280, height: 420 });
  await page.goto(`${running.url}/?room=${room}&name=Ann&join=1`);
  await expect(page.getByTestId('node-card')).toHaveCount(5);
  for (const name of ['Nodes', 'Events, newest first', 'Messages']) {
    const list = page.getByRole('list', { name });
    await expect(list).toHaveAttribute('tabindex', '0');
    await list.focus();
    await expect(list).toBeFocused();
  }
  const nodes = page.getByRole('list', { name: 'Nodes' });
  await nodes.focus();
  await page.keyboard.press('End');
  await expect.poll(() => nodes.evaluate(({ scrollTop }) => scrollTop)).toBeGreaterThan(0);
});

test('on a phone every control is 44 pixels high, and nothing is cut off', async ({ browser, running, room }) => {
  const context = await browser.newContext({ viewport: PHONE, hasTouch: true, isMobile: true });
  const page = await context.newPage();
  const small = (): Promise<string[]> =>
    page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('button, a, input:not([type="checkbox"])')]
        .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 44)
        .map((element) => `${element.outerHTML.slice(0, 80)}: ${element.getBoundingClientRect().height}`),
    );
  await page.goto(`${running.url}/?room=${room}&name=Ann`);
  await expect(page.getByTestId('join-form')).toBeVisible();
  expect(await small()).toEqual([]);
  await page.getByTestId('join-button').tap();
  await expect(page.getByTestId('state')).toHaveAttribute('data-state', 'joined');
  for (const tab of ['Timeline', 'Chat', 'Cluster']) {
    await page.getByRole('tab', { name: tab }).tap();
    expect(await small(), tab).toEqual([]);
  }
  await expect(page.getByTestId('node-card')).toHaveCount(5);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
  await context.close();
});

test('joining without a camera keeps the microphone, and the advice suits users', async ({ page, running, room }) => {
  await page.addInitScript(() => {
    const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices);
    devices.getUserMedia = (constraints) =>
      constraints?.video ? Promise.reject(new DOMException('denied', 'NotAllowedError')) : open(constraints);
  });
  await page.goto(`${running.url}/?room=${room}&name=Ann&join=1`);
  const problem = page.getByTestId('problem');
  await expect(problem).toHaveAttribute('data-name', 'DEVICE_ACCESS_DENIED');
  await expect(problem).toContainText("in the browser's address bar");
  await expect(problem).not.toContainText('Ask the user');
  await page.getByRole('button', { name: 'Join without camera' }).click();
  await expect(page.getByTestId('state')).toHaveAttribute('data-state', 'joined');
  await expect(page.getByTestId('mic-button')).toHaveAttribute('data-on', 'true');
  await expect(page.getByTestId('camera-button')).toHaveAttribute('data-on', 'false');
  // The page joins before it publishes.
  const sends = () =>
    page.evaluate(() => {
      const { demo } = globalThis as unknown as { demo: { session: Session | undefined } };
      const [manager] = demo.session?.streamManagers ?? [];
      return { audio: manager?.stream.hasAudio, video: manager?.stream.hasVideo };
    });
  await expect.poll(sends).toEqual({ audio: true, video: false });
});

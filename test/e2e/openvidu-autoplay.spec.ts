import { chromium } from 'playwright/test';
import { expect, test } from './openvidu-pages.ts';
import { CHROMIUM_ARGS } from './playwright.config.ts';

// A traced page counts as a page that the user has clicked on.
test.use({ trace: 'off' });

test('a browser that blocks sound before a click: no error, and speech events after the click', async ({
  running,
  app,
  room,
  open,
}) => {
  const ann = await open('speaking', { name: 'Ann', microphone: 'yes' });
  await expect(ann.locator('#log li')).toHaveText(['ready']);
  await ann.locator('#speak').click();
  const executablePath = process.env['CHROMIUM_PATH'];
  const browser = await chromium.launch({
    args: CHROMIUM_ARGS.filter((arg) => !arg.startsWith('--autoplay-policy')),
    ...(executablePath ? { executablePath } : {}),
  });
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    // Any script that Playwright runs in a page counts as a click, so run none until the page listens.
    const listening = page.waitForEvent('console', (message) => message.text().startsWith('listening'));
    const query = new URLSearchParams({ server: app.url, session: room, name: 'Bob' });
    await page.goto(`${running.url}/speaking.html?${query}`);
    expect((await listening).text()).toBe('listening, suspended');
    await expect(page.locator('#log li')).toHaveText(['ready']);
    await page.locator('p').first().click();
    await expect(page.locator('#log li')).toHaveText(['ready', 'Ann starts, true']);
    expect(errors).toEqual([]);
  } finally {
    await browser.close();
  }
});

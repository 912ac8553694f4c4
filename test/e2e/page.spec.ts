import { chromium, type LaunchOptions } from 'playwright/test';
import type { Session } from '../../src/client/session/session.ts';
import { expect, test } from './fixtures.ts';
import { CHROMIUM_ARGS } from './playwright.config.ts';

test('the script tag sets one global, with the exports', async ({ page, running }) => {
  await page.goto(`${running.url}/health`);
  const before = await page.evaluate(() => Object.keys(globalThis));
  await page.addScriptTag({ url: '/dist/rejoin.min.js' });
  const after = await page.evaluate(() => Object.keys(globalThis));
  expect(after.filter((name) => !before.includes(name))).toEqual(['Rejoin']);
  const found = await page.evaluate(async () => {
    const { Rejoin: all } = globalThis as unknown as { Rejoin: Record<string, unknown> };
    const module = (await import(`${location.origin}/dist/rejoin.mjs`)) as Record<string, unknown>;
    return { same: all['OpenVidu'] === all['Rejoin'], global: Object.keys(all), module: Object.keys(module) };
  });
  expect(found.same).toBe(true);
  // Names of unsupported OpenVidu features are only in the module and in the compat script.
  const more = found.module.filter((name) => !found.global.includes(name));
  expect(more.sort()).toEqual(['Filter', 'LocalRecorder', 'LocalRecorderState']);
  expect(found.global.filter((name) => !found.module.includes(name))).toEqual([]);
  expect(found.global).toEqual(expect.arrayContaining(['Rejoin', 'OpenVidu', 'Session', 'Publisher', 'Subscriber']));
});

test('the form can be filled in by keyboard, and a phone needs no horizontal scrolling', async ({
  page,
  running,
  room,
}) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${running.url}/`);
  await page.getByTestId('room-input').fill(room);
  await page.getByTestId('name-input').fill('Ann');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('state')).toHaveAttribute('data-state', 'joined');
  await expect(page.getByTestId('own-tile').locator('video')).toBeVisible();
  const { wide, screen } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    screen: innerWidth,
  }));
  expect(wide).toBeLessThanOrEqual(screen);
});

test('the page obeys its policy, and no other page frames it or runs a script in it', async ({
  page,
  running,
  room,
}) => {
  for (const path of ['/', '/demo.js', '/style.css', '/dist/rejoin.min.js']) {
    const headers = (await page.request.get(running.url + path)).headers();
    expect(headers['x-content-type-options'], path).toBe('nosniff');
    expect(headers['x-frame-options'], path).toBe('DENY');
    expect(headers['referrer-policy'], path).toBe('no-referrer');
    expect(headers['cross-origin-opener-policy'], path).toBe('same-origin-allow-popups');
  }
  const policy = (await page.request.get(`${running.url}/`)).headers()['content-security-policy'] ?? '';
  expect(policy).toContain(`connect-src 'self' ${running.url.replace('http', 'ws')};`);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe');

  const violations: string[] = [];
  page.on('console', (message) => {
    if (/security policy/i.test(message.text())) violations.push(message.text());
  });
  // Under another name than the public URL in the tokens.
  const other = running.url.replace('localhost', '127.0.0.1');
  await page.goto(`${other}/?room=${room}&name=Bob&join=1`);
  await expect(page.getByTestId('state')).toHaveAttribute('data-state', 'joined');
  await expect(page.getByTestId('own-tile').locator('video')).toBeVisible();
  await expect(page.getByTestId('node-card')).toHaveCount(5);
  expect(violations).toEqual([]);

  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.intruder = true;';
    document.body.append(script);
  });
  expect(await page.evaluate(() => 'intruder' in globalThis)).toBe(false);
  await expect.poll(() => violations.length).toBe(1);

  // The frame stays empty.
  await page.goto(`${running.url}/dist/rejoin.licenses.txt`);
  await page.setContent(`<iframe src="${running.url}/"></iframe>`);
  await expect.poll(() => page.frames().length).toBe(2);
  await expect.poll(() => page.frames()[1]?.url()).toMatch(/^chrome-error:/);
});

test('a mistyped target causes a named error, and playing videos continue', async ({ join }) => {
  await join('Ann');
  const bob = await join('Bob');
  await bob.sees(1);
  const errors = await bob.page.evaluate(async () => {
    const { session } = (globalThis as unknown as { demo: { session: Session } }).demo;
    const stream = session.streamManagers.find(({ remote }) => remote)?.stream;
    const found: string[] = [];
    if (!stream) return found;
    try {
      session.subscribe(stream, 'vidoes');
    } catch (error) {
      found.push(String(error));
    }
    await session.subscribeAsync(stream, 'vidoes').catch((error: unknown) => found.push(String(error)));
    return found;
  });
  expect(errors).toEqual(Array(2).fill('GENERIC_ERROR: The page has no element "vidoes".'));
  await bob.sees(1);
});

const NO_DEVICES: [string, string, string[]][] = [
  ['permission is denied', 'DEVICE_ACCESS_DENIED', ['--use-fake-device-for-media-stream', '--deny-permission-prompts']],
  ['there is no camera', 'INPUT_VIDEO_DEVICE_NOT_FOUND', ['--use-fake-ui-for-media-stream']],
];

for (const [what, name, args] of NO_DEVICES) {
  test(`${what}: the page says ${name}`, async ({ running, room }) => {
    const executablePath = process.env['CHROMIUM_PATH'];
    const options: LaunchOptions = { args: [...CHROMIUM_ARGS, ...args], ...(executablePath ? { executablePath } : {}) };
    const browser = await chromium.launch(options);
    try {
      const page = await browser.newPage();
      await page.goto(`${running.url}/?room=${room}&name=Ann&join=1`);
      await expect(page.getByTestId('problem')).toHaveAttribute('data-name', name);
    } finally {
      await browser.close();
    }
  });
}

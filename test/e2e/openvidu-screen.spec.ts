import { type Browser, chromium, type Page } from 'playwright/test';
import { test as base, expect, plays } from './openvidu-pages.ts';
import { CHROMIUM_ARGS } from './playwright.config.ts';

const SHARED_TITLE = 'What is shared';

/** A page to share that always changes. Resizing it changes the size; closing it ends the sharing. */
const SHARED_PAGE = `data:text/html,<title>${SHARED_TITLE}</title><h1>0</h1><script>
  setInterval(() => { document.querySelector('h1').textContent = Date.now() }, 50)
</script>`;

interface Sharing {
  /** A browser that shares the titled tab without asking, because a test machine has no screen. */
  sharing: { readonly browser: Browser; readonly openApp: (parameters?: Record<string, string>) => Promise<Page> };
}

const test = base.extend<Sharing>({
  sharing: async ({ running, app, room }, use) => {
    const executablePath = process.env['CHROMIUM_PATH'];
    const browser = await chromium.launch({
      args: [
        ...CHROMIUM_ARGS,
        '--use-fake-device-for-media-stream',
        `--auto-select-tab-capture-source-by-title=${SHARED_TITLE}`,
      ],
      ...(executablePath ? { executablePath } : {}),
    });
    const errors: string[] = [];
    const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
    await use({
      browser,
      openApp: async (parameters = {}) => {
        const page = await context.newPage();
        page.on('pageerror', (error) => errors.push(String(error.stack ?? error)));
        const query = new URLSearchParams({ server: app.url, session: room, ...parameters });
        await page.goto(`${running.url}/screen.html?${query}`);
        await expect(page.locator('#log li').first()).toHaveText('ready');
        return page;
      },
    });
    await browser.close();
    expect(errors, 'errors of the pages').toEqual([]);
  },
});

/** The shape of the last reported size. */
async function lastShape(page: Page, whose: string): Promise<string> {
  const lines = await page.locator('#log li').allInnerTexts();
  const found = /^(\w+) videoDimensions screenResized (\d+)x(\d+)$/.exec(lines.at(-1) ?? '');
  if (found?.[1] !== whose) return 'unknown';
  return Number(found[2]) < Number(found[3]) ? 'higher than wide' : 'wider than high';
}

test('a screen beside the camera: seen unmirrored, resized, and ended by the browser itself', async ({
  sharing,
  open,
}) => {
  const ann = await sharing.openApp();
  const shared = await ann.context().newPage();
  await shared.setViewportSize({ width: 800, height: 600 });
  await shared.goto(SHARED_PAGE);
  await ann.bringToFront();
  const bob = await open('screen');
  await plays(bob, '#container-cameras video', 2);

  await ann.locator('#buttonScreenShare').click();
  await plays(bob, '#container-screens video');
  const theirs = bob.locator('#container-screens video');
  await expect(theirs).toHaveAttribute('id', /^remote-video-str_SCR_/);
  await expect(bob.locator('#log li').filter({ hasText: 'a screen' })).toHaveText(['a screen, audio false']);
  // Only cameras are mirrored.
  await expect(ann.locator('#container-screens video')).toHaveCSS('transform', 'none');
  await expect(ann.locator('#container-cameras video').first()).not.toHaveCSS('transform', 'none');

  await shared.setViewportSize({ width: 500, height: 700 });
  for (const [page, whose] of [
    [ann, 'mine'],
    [bob, 'theirs'],
  ] as const) {
    await expect.poll(() => lastShape(page, whose)).toBe('higher than wide');
  }
  await expect
    .poll(() => theirs.evaluate((video: HTMLVideoElement) => video.videoWidth < video.videoHeight))
    .toBe(true);

  await shared.close();
  await expect(ann.locator('#log li').filter({ hasText: 'the user has ended the sharing' })).toHaveCount(1);
  await expect(bob.locator('#log li').last()).toHaveText('streamDestroyed unpublish');
  for (const page of [ann, bob]) await expect(page.locator('#container-screens video')).toHaveCount(0);
  await plays(bob, '#container-cameras video', 2);
});

test('a screen is shared with its sound', async ({ sharing, open }) => {
  const ann = await sharing.openApp({ sound: 'yes' });
  const shared = await ann.context().newPage();
  await shared.goto(SHARED_PAGE);
  await ann.bringToFront();
  const bob = await open('screen');
  await ann.locator('#buttonScreenShare').click();
  await plays(bob, '#container-screens video');
  await expect(bob.locator('#log li').filter({ hasText: 'a screen' })).toHaveText(['a screen, audio true']);
});

test('a user who shares nothing gets an error', async ({ sharing }) => {
  const ann = await sharing.openApp();
  await ann.evaluate(() => {
    navigator.mediaDevices.getDisplayMedia = () => Promise.reject(new DOMException('Denied', 'NotAllowedError'));
  });
  await ann.locator('#buttonScreenShare').click();
  await expect(ann.locator('#log li').last()).toHaveText('SCREEN_CAPTURE_DENIED');
  await expect(ann.locator('#container-screens video')).toHaveCount(0);
});

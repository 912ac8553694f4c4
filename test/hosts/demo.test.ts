import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Browser } from 'playwright';
import { Guest } from '../e2e/guest.ts';
import type { Seen } from '../fixtures/hosts/firefox-process.ts';
import { startHostGuests } from '../fixtures/hosts/host-browser.ts';
import { HostDemo } from '../fixtures/hosts/host-demo.ts';
import { HostNetwork } from '../fixtures/hosts/host-network.ts';
import { HostProcess } from '../fixtures/hosts/host-process.ts';
import type { Tried } from '../fixtures/hosts/stranger-process.ts';
import { runTool } from '../fixtures/hosts/tools.ts';
import { until } from '../fixtures/until.ts';

/**
 * `npm run demo` on a host with its own address, used with Firefox from there, and from another host as from a phone.
 */

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'hosts');
const PICTURE_MS = 30_000;
const DESK = 'desk';
const PHONE = 'phone';

let network: HostNetwork;
before(async () => {
  network = await HostNetwork.create([DESK, PHONE]);
  // Firefox finds its own address by the route to the Internet, which no packet takes.
  await runTool(network.entering(DESK, ['ip', 'route', 'add', 'default', 'via', network.addressOf(PHONE)]));
});
after(() => network?.close());

describe('the demo on one machine', () => {
  test('two participants in Firefox see each other, with default options', async (t) => {
    const demo = await HostDemo.start(network, DESK);
    t.after(() => demo.stop());
    assert.deepEqual(demo.mediaAddressesOf('media-1'), ['127.0.0.1', network.addressOf(DESK)]);
    const firefox = new HostProcess(network, {
      host: DESK,
      command: [process.execPath, join(FIXTURES, 'firefox-process.ts'), demo.cluster.url],
      logFile: join(demo.state, 'logs', 'firefox.log'),
      saysReady: true,
    });
    await firefox.start();
    t.after(() => firefox.stop());
    let moving = 0;
    firefox.child?.on('message', (seen: Seen) => {
      moving = seen.moving;
    });
    await until('both see each other move', () => moving === 2, PICTURE_MS);
  });
});

describe('the demo for phones', () => {
  let demo: HostDemo;
  let browser: Browser;
  before(async () => {
    demo = await HostDemo.start(network, DESK, ['--lan']);
    browser = await startHostGuests(network, PHONE);
  });
  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  function lan() {
    const { lan: urls } = demo.cluster;
    assert.ok(urls);
    return urls;
  }

  test('is reachable at the address of this machine, with a page that explains how to accept the certificate', async () => {
    const address = network.addressOf(DESK);
    assert.deepEqual(lan().guides, [`http://${address}:8444`]);
    assert.equal(lan().pages[0], `https://${address}:8443`);
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 390, height: 844 } });
    const page = await context.newPage();
    await page.goto(lan().guides[0] ?? '');
    const steps = (await page.getByRole('definition').allTextContents()).join(' ');
    for (const step of [/Advanced, then Proceed/, /Show Details, then visit this website/, /Accept the Risk/]) {
      assert.match(steps, step);
    }
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390, 'it is wider than a phone');
    await page.getByRole('link', { name: `Open ${address}:8443` }).click();
    await page.getByTestId('join-form').waitFor();
    assert.equal(new URL(page.url()).origin, lan().pages[0]);
    await context.close();
  });

  test('offers other hosts only the page, its guide and the media, with a valid certificate', async () => {
    assert.equal(statSync(join(demo.state, 'lan.key')).mode & 0o777, 0o600);
    const inner = demo.cluster.nodes.flatMap(({ url, internalUrl }) =>
      [url, internalUrl].map((one) => new URL(one).port),
    );
    const ports = [...new Set([...inner.filter((port) => port !== '8443'), '8080', '8443', '8444'])];
    const { stdout } = await promisify(execFile)(
      ...commandOn(PHONE, [
        process.execPath,
        join(FIXTURES, 'stranger-process.ts'),
        lan().pages[0] ?? '',
        lan().guides[0] ?? '',
        ...ports,
      ]),
    );
    const tried = JSON.parse(stdout) as Tried;
    assert.deepEqual(tried, {
      page: 200,
      untrusted: 'SELF_SIGNED_CERT_IN_CHAIN',
      rebound: 403,
      open: [8_443, 8_444],
    });
  });

  test('two phones see each other, and again after the crash of the owner', async (t) => {
    const room = `phones-${process.pid}`;
    const [url = ''] = lan().pages;
    const phones: Guest[] = [];
    for (const name of ['Ann', 'Bob']) {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      t.after(() => context.close());
      phones.push(await Guest.open(await context.newPage(), url, { room, name }));
    }
    await Promise.all(phones.map((phone) => phone.sees(1)));
    const [first] = phones;
    assert.ok(first);
    const sockets = await first.page.evaluate(() => {
      const { watched } = globalThis as unknown as { watched: { sockets: WebSocket[] } };
      return watched.sockets.map((socket) => new URL(socket.url).origin);
    });
    assert.deepEqual([...new Set(sockets)], [url.replace('https', 'wss')]);
    assert.equal(await first.page.getByTestId('kill-button').count(), 0);

    const owner = await first.page.locator('[data-testid="node-card"][data-owner="true"]').getAttribute('data-node-id');
    assert.ok(owner);
    process.kill(demo.pidOf(owner), 'SIGKILL');
    await Promise.all(phones.map((phone) => phone.event('rebuilt').waitFor({ timeout: PICTURE_MS })));
    await Promise.all(phones.map((phone) => phone.sees(1)));
    await until(`${owner} runs again`, () => demo.cluster.nodes.some(({ id }) => id === owner));
    assert.deepEqual(
      phones.flatMap(({ errors }) => errors),
      [],
    );
  });

  function commandOn(host: string, command: readonly string[]): [string, string[]] {
    const [program = '', ...args] = network.entering(host, command);
    return [program, args];
  }
});

import type { Page } from 'playwright/test';
import type * as Sdk from '../../src/client/index.ts';
import { expect, test } from './fixtures.ts';
import type { Guest } from './guest.ts';

/**
 * Ended streams leave the others' screens at once: not after the grace period (20 s) or the time for rebuilds (15 s).
 */

/** Globals of these tests' pages. */
interface Here {
  readonly demo: { readonly session: Sdk.Session | undefined };
  readonly watched: { readonly sockets: WebSocket[] };
  readonly Rejoin: typeof Sdk;
  readonly getToken: () => Promise<string>;
  publisher: Sdk.Publisher;
  told: string[];
}

/** An application's own page, with a camera and the SDK, which gets its tokens from `token`. */
async function bare(page: Page, url: string, token: () => Promise<string>): Promise<Page> {
  await page.exposeFunction('getToken', token);
  await page.goto(`${url}/health`);
  await page.addScriptTag({ url: '/dist/rejoin.min.js' });
  return page;
}

/** The stream ids of the others' tiles. */
const tiles = ({ page }: Guest): Promise<(string | undefined)[]> =>
  page.getByTestId('tile').evaluateAll((all) => all.map((tile) => tile.dataset['streamId']));

test('a page with a dead socket closes: its tile disappears at once', async ({ meet }) => {
  const [ann, bob] = await meet();
  await bob.page.evaluate(() => {
    for (const socket of (globalThis as unknown as Here).watched.sockets) socket.send = () => {};
  });
  await bob.page.goto('about:blank');
  await expect(ann.event('connectionDestroyed')).toHaveCount(1, { timeout: 6_000 });
  await expect(ann.videos).toHaveCount(0);
});

test('a page closes during the crash: its tile disappears before the rebuild', async ({ meet, running, room }) => {
  const [ann, bob] = await meet();
  const owner = await running.ownerOf(room);
  const pid = running.cluster.kill(owner);
  await bob.page.goto('about:blank');
  await expect(ann.event('rebuilt')).toHaveCount(1);
  await expect(ann.videos).toHaveCount(0, { timeout: 6_000 });
  await running.restarted(owner, pid);
});

test('an application joins again with a plain token after the crash: no frozen tile beside the new one', async ({
  join,
  page,
  running,
  room,
}) => {
  const ann = await join('Ann');
  const bob = await bare(page, running.url, () => running.token(room));
  await bob.evaluate(async () => {
    const { Rejoin, getToken } = globalThis as unknown as Here;
    const enter = async (): Promise<void> => {
      const rejoin = new Rejoin.Rejoin();
      const session = rejoin.initSession();
      session.on('sessionDisconnected', ({ reason }) => {
        if (reason === 'nodeCrashed') void enter();
      });
      await session.connect(await getToken());
      await session.publish(rejoin.initPublisher(undefined, { audioSource: false }));
    };
    await enter();
  });
  await ann.sees(1);
  const [former] = await tiles(ann);
  const owner = await running.ownerOf(room);
  const pid = running.cluster.kill(owner);
  await expect(ann.event('rebuilt')).toHaveCount(1);
  await expect.poll(async () => (await tiles(ann)).includes(former), { timeout: 6_000 }).toBe(false);
  await ann.sees(1);
  await running.restarted(owner, pid);
});

test('a stream is unpublished during the crash: its tile disappears, the other one stays', async ({
  meet,
  running,
  room,
}) => {
  const [ann, bob] = await meet();
  await bob.page.evaluate(async () => {
    const here = globalThis as unknown as Here;
    const { session } = here.demo;
    here.publisher = new here.Rejoin.Rejoin().initPublisher(undefined, { audioSource: false, resolution: '320x240' });
    await session?.publish(here.publisher);
    session?.once('rebuilding', () => void session.unpublish(here.publisher));
  });
  await ann.sees(2);
  const owner = await running.ownerOf(room);
  const pid = running.cluster.kill(owner);
  await expect(ann.event('rebuilt')).toHaveCount(1);
  await expect(ann.videos).toHaveCount(1, { timeout: 6_000 });
  await ann.sees(1);
  await expect(ann.event('connectionDestroyed')).toHaveCount(0);
  await running.restarted(owner, pid);
});

test("after the crash the token function gives a lesser role: the stream ends with the server's reason", async ({
  join,
  page,
  running,
  room,
}) => {
  const ann = await join('Ann');
  let role = 'PUBLISHER';
  const bob = await bare(page, running.url, () => running.token(room, { role }));
  await bob.evaluate(async () => {
    const here = globalThis as unknown as Here;
    const rejoin = new here.Rejoin.Rejoin();
    const session = rejoin.initSession();
    here.publisher = rejoin.initPublisher(undefined);
    here.told = [];
    here.publisher.on('streamDestroyed', ({ reason }) => here.told.push(`streamDestroyed ${reason}`));
    session.on('connectionPropertyChanged', ({ newValue }) => here.told.push(`role ${newValue}`));
    session.on('rebuilt', () => here.told.push('rebuilt'));
    session.on('exception', ({ name }) => here.told.push(`exception ${name}`));
    await session.connect(here.getToken);
    await session.publish(here.publisher);
    Object.assign(globalThis, { session });
  });
  await ann.sees(1);
  const owner = await running.ownerOf(room);
  role = 'SUBSCRIBER';
  const pid = running.cluster.kill(owner);
  const told = (): Promise<string[]> => bob.evaluate(() => (globalThis as unknown as Here).told);
  await expect.poll(told).toContain('rebuilt');
  expect(await told()).toEqual([
    'role SUBSCRIBER',
    'exception PUBLISH_FAILED',
    'streamDestroyed forceUnpublishByServer',
    'rebuilt',
  ]);
  // The page must not look as if the stream still had viewers.
  const sources = await bob.evaluate(() => {
    const { publisher, session } = globalThis as unknown as Here & { session: Sdk.Session };
    const tracks = publisher.stream.getMediaStream()?.getTracks() ?? [];
    return [tracks.map(({ readyState }) => readyState), session.streamManagers.some(({ remote }) => !remote)];
  });
  expect(sources).toEqual([[], false]);
  await expect(ann.videos).toHaveCount(0, { timeout: 6_000 });
  await expect(ann.event('connectionDestroyed')).toHaveCount(0);
  await running.restarted(owner, pid);
});

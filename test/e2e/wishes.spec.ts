import type { Page } from 'playwright/test';
import type { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { pick, seededRandom, seeds } from '../fixtures/random.ts';
import { until } from '../fixtures/until.ts';
import { expect, test } from './openvidu-pages.ts';
import { countFromStart, type PageCount, pageCount } from './page-count.ts';

/** The part of the SDK that these tests use. */
interface Sdk {
  new (): { initSession(): TestSession; initPublisher(target?: string): TestPublisher; enableProdMode(): void };
}
interface TestStream {
  readonly streamId: string;
  readonly videoActive: boolean;
  readonly audioActive: boolean;
}
interface TestPublisher {
  readonly stream: TestStream & { getMediaStream(): MediaStream };
  publishAudio(on: boolean): Promise<void>;
  publishVideo(on: boolean): Promise<void>;
  replaceTrack(track: MediaStreamTrack): Promise<void>;
  dispose(): void;
  once(name: string, listener: () => void): void;
}
interface TestSession {
  readonly streamManagers: readonly { readonly remote: boolean; readonly stream: TestStream }[];
  on(name: string, listener: (event: { stream: TestStream }) => void): void;
  connect(token: string): Promise<void>;
  disconnect(): void;
  publish(publisher: TestPublisher): Promise<void>;
  unpublish(publisher: TestPublisher): Promise<void>;
  subscribe(stream: TestStream, target?: string): unknown;
  unsubscribe(subscriber: unknown): Promise<void>;
}
interface TestPage {
  readonly OpenVidu: Sdk;
  readonly connections: RTCPeerConnection[];
  readonly tracks: MediaStreamTrack[];
  session: TestSession;
  publisher: TestPublisher;
  /** Remote streams, and their subscribers. */
  readonly streams: Map<TestStream, unknown>;
}

/** Open resources of a page: connections, active transceivers, devices. */
interface Open {
  readonly transceivers: number;
  readonly sending: number;
  readonly receiving: number;
  readonly devices: number;
}

function open(page: Page): Promise<Open> {
  return page.evaluate(() => {
    const { connections, tracks } = globalThis as unknown as TestPage;
    const open = connections.filter(({ connectionState }) => connectionState !== 'closed');
    const transceivers = open.flatMap((connection) => connection.getTransceivers());
    const going = (direction: string): number =>
      transceivers.filter(({ currentDirection, mid }) => currentDirection === direction && mid !== 'probator').length;
    return {
      transceivers: transceivers.length,
      sending: going('sendonly'),
      receiving: going('recvonly'),
      devices: tracks.filter(({ readyState }) => readyState === 'live').length,
    };
  });
}

async function join(page: Page, app: string, room: string): Promise<void> {
  await page.evaluate(
    async ([app, room]) => {
      const test = globalThis as unknown as TestPage;
      const post = async (path: string, body: object): Promise<string> =>
        (await fetch(`${app}api/sessions${path}`, { method: 'POST', body: JSON.stringify(body) })).text();
      await post('', { customSessionId: room });
      const openVidu = new test.OpenVidu();
      openVidu.enableProdMode();
      const session = openVidu.initSession();
      const streams = new Map<TestStream, unknown>();
      session.on('streamCreated', ({ stream }) => streams.set(stream, session.subscribe(stream)));
      session.on('streamDestroyed', ({ stream }) => streams.delete(stream));
      Object.assign(test, { session, streams });
      await session.connect(await post(`/${room}/connections`, {}));
      test.publisher ??= openVidu.initPublisher();
    },
    [app, room] as const,
  );
}

interface Published {
  readonly streamId: string;
  readonly mediaOptions: { readonly audioActive: boolean; readonly videoActive: boolean };
}

/** The owner's state: streams with their active media, and their receivers. */
async function atOwner(
  running: RunningCluster,
  room: string,
): Promise<{ streams: Published[]; subscribers: string[] }> {
  const { json } = await running.rest('GET', `/sessions/${room}`);
  const { content } = json['connections'] as {
    content: { publishers: Published[] | null; subscribers: { streamId: string }[] | null }[];
  };
  return {
    streams: content.flatMap(({ publishers }) => publishers ?? []),
    subscribers: content.flatMap(({ subscribers }) => subscribers ?? []).map(({ streamId }) => streamId),
  };
}

type MediaObjects = 'producers' | 'consumers' | 'transports';

/** Producers and consumers of all media nodes, or other objects. */
async function atMediaNodes(
  running: RunningCluster,
  names: readonly MediaObjects[] = ['producers', 'consumers'],
): Promise<Partial<Record<MediaObjects, number>>> {
  const nodes = running.cluster.nodes().filter(({ role }) => role === 'media-node');
  const pages = await Promise.all(
    nodes.map(async ({ id }) => (await fetch(`${running.node(id).internalUrl}/metrics`)).text()),
  );
  const sum = (name: string): number =>
    pages.reduce(
      (all, page) => all + Number(new RegExp(`^rejoin_media_${name}\\{.*\\} (\\d+)$`, 'm').exec(page)?.[1]),
      0,
    );
  return Object.fromEntries(names.map((name) => [name, sum(name)]));
}

/** Opens two pages in a room, each with a publisher, and counts their connections and devices. */
async function twoIn(room: string, url: string, visit: () => Promise<Page>): Promise<[Page, Page]> {
  const pages: [Page, Page] = [await visit(), await visit()];
  for (const page of pages) {
    await countFromStart(page);
    await join(page, url, room);
  }
  return pages;
}

test('published and unpublished repeatedly: nothing is left behind at either end', async ({
  open: visit,
  app,
  room,
  running,
}) => {
  const [ann, bob] = await twoIn(room, app.url, () => visit('blank'));
  // Bob sends nothing.
  await bob.evaluate(() => (globalThis as unknown as TestPage).publisher.dispose());
  const storm = (count: number): Promise<void> =>
    ann.evaluate(async (count) => {
      const { session, publisher } = globalThis as unknown as TestPage;
      const rounds: Promise<void>[] = [];
      for (let round = 0; round < count; round += 1) {
        // Not awaited, so that the next call begins during this one.
        rounds.push(session.publish(publisher).catch(() => {}));
        await new Promise((resolve) => setTimeout(resolve, (round * 37) % 84));
        await session.unpublish(publisher);
      }
      await Promise.all(rounds);
    }, count);
  const isQuiet = async (): Promise<void> => {
    await expect.poll(() => atOwner(running, room)).toEqual({ streams: [], subscribers: [] });
    await expect.poll(() => atMediaNodes(running)).toEqual({ producers: 0, consumers: 0 });
  };
  const all = (): Promise<PageCount[]> => Promise.all([ann, bob].map(pageCount));
  // The first round makes the objects that stay, such as the connections.
  await ann.evaluate(async () => {
    const { session, publisher } = globalThis as unknown as TestPage;
    await session.publish(publisher);
  });
  await expect.poll(async () => (await open(bob)).receiving).toBe(2);
  await ann.evaluate(() => {
    const { session, publisher } = globalThis as unknown as TestPage;
    return session.unpublish(publisher);
  });
  await isQuiet();
  await expect.poll(async () => (await all()).map(({ tracks }) => tracks)).toEqual([0, 0]);
  const before = await all();
  await storm(60);
  await isQuiet();
  for (const page of [ann, bob]) {
    await expect.poll(() => open(page)).toMatchObject({ sending: 0, receiving: 0, devices: 0 });
    // The first transceiver, and one for probing, stay for the life of the connection.
    expect((await open(page)).transceivers).toBeLessThanOrEqual(3);
  }
  // A connection that has carried much is given up until it is needed again.
  await expect
    .poll(async () =>
      (await all()).flatMap((now, at) =>
        (['sockets', 'connections', 'tracks', 'audioContexts'] as const)
          .filter((what) => now[what] > (before[at]?.[what] ?? 0))
          .map((what) => `page ${at}: ${now[what]} ${what}, not ${before[at]?.[what]}`)
          .concat(now.timers.length > (before[at]?.timers.length ?? 0) ? `timers of ${now.timers} ms` : []),
      ),
    )
    .toEqual([]);
  const connections = (await all()).reduce((sum, now) => sum + now.connections, 0);
  await expect.poll(() => atMediaNodes(running, ['transports'])).toEqual({ transports: connections });
});

test('a connection that has carried many streams is replaced when it carries none', async ({
  open: visit,
  app,
  room,
  running,
}) => {
  const [ann, bob] = await twoIn(room, app.url, () => visit('blank'));
  for (const page of [ann, bob]) {
    await page.evaluate(() => (globalThis as unknown as TestPage).publisher.dispose());
  }
  await ann.evaluate(async () => {
    const test = globalThis as unknown as TestPage;
    const openVidu = new test.OpenVidu();
    const publishers = Array.from({ length: 6 }, () => openVidu.initPublisher());
    await Promise.all(publishers.map((publisher) => test.session.publish(publisher)));
    Object.assign(test, { publishers });
  });
  await expect.poll(async () => (await open(bob)).receiving).toBe(12);
  expect((await open(ann)).sending).toBe(12);
  await ann.evaluate(async () => {
    const { session, publishers } = globalThis as unknown as TestPage & { publishers: TestPublisher[] };
    await Promise.all(publishers.map((publisher) => session.unpublish(publisher)));
  });
  for (const page of [ann, bob]) {
    await expect.poll(() => open(page)).toEqual({ transceivers: 0, sending: 0, receiving: 0, devices: 0 });
  }
  // The next connection works.
  await ann.evaluate(async () => {
    const { session, publisher } = globalThis as unknown as TestPage;
    await session.publish(publisher);
  });
  await expect.poll(async () => (await open(bob)).receiving).toBe(2);
  await expect.poll(() => atMediaNodes(running)).toEqual({ producers: 2, consumers: 2 });
});

test('published again by the listener of its end', async ({ open: visit, app, room, running }) => {
  const ann = await visit('blank');
  await countFromStart(ann);
  await join(ann, app.url, room);
  const streamId = await ann.evaluate(async () => {
    const { session, publisher } = globalThis as unknown as TestPage;
    await session.publish(publisher);
    publisher.once('streamDestroyed', () => Object.assign(globalThis, { again: session.publish(publisher) }));
    return publisher.stream.streamId;
  });
  expect((await running.rest('DELETE', `/sessions/${room}/stream/${streamId}`)).status).toBe(204);
  await ann.waitForFunction(() => 'again' in globalThis);
  await ann.evaluate(() => (globalThis as unknown as { again: Promise<void> }).again);
  const now = await ann.evaluate(() => (globalThis as unknown as TestPage).publisher.stream.streamId);
  expect((await atOwner(running, room)).streams.map((stream) => stream.streamId)).toEqual([now]);
  expect(now).not.toBe(streamId);
});

/** The calls of one seed, and the expected result. */
function plan(seed: number): {
  calls: { name: string; pauseMs: number }[];
  active: { audio: boolean; video: boolean };
  published: boolean;
} {
  const random = seededRandom(seed);
  const names = [
    'publish',
    'unpublish',
    'dispose',
    'replaceTrack',
    'mute',
    'unmute',
    'hide',
    'show',
    'subscribe',
    'unsubscribe',
  ];
  const active = { audio: true, video: true };
  let published = false;
  const calls = Array.from({ length: 30 }, () => {
    const name = pick(random, names);
    if (name === 'publish') published = true;
    if (name === 'unpublish' || name === 'dispose') published = false;
    if (name === 'mute' || name === 'unmute') active.audio = name === 'unmute';
    if (name === 'hide' || name === 'show') active.video = name === 'show';
    return { name, pauseMs: random() < 0.5 ? 0 : Math.floor(random() * 60) };
  });
  return { calls, active, published };
}

test('after any calls at any moments, page, owner and media node agree on the last call', async ({
  open: visit,
  app,
  room,
  running,
}) => {
  const [ann, bob] = await twoIn(room, app.url, () => visit('blank'));
  await bob.evaluate(async () => {
    const { session, publisher } = globalThis as unknown as TestPage;
    await session.publish(publisher);
  });
  await until('Ann knows of it', () => ann.evaluate(() => (globalThis as unknown as TestPage).streams.size === 1));
  for (const seed of seeds(6)) {
    const { calls, active, published } = plan(seed);
    const isSubscribed = calls.findLast(({ name }) => name.endsWith('subscribe'))?.name !== 'unsubscribe';
    await ann.evaluate(async (calls) => {
      const { session, publisher, streams } = globalThis as unknown as TestPage;
      const [[stream] = []] = streams;
      const acts: Record<string, () => unknown> = {
        publish: () => session.publish(publisher),
        unpublish: () => session.unpublish(publisher),
        dispose: () => publisher.dispose(),
        replaceTrack: () => {
          const [track] = document.createElement('canvas').captureStream(5).getVideoTracks();
          return track && publisher.replaceTrack(track);
        },
        mute: () => publisher.publishAudio(false),
        unmute: () => publisher.publishAudio(true),
        hide: () => publisher.publishVideo(false),
        show: () => publisher.publishVideo(true),
        subscribe: () => stream && streams.set(stream, session.subscribe(stream)),
        unsubscribe: () => stream && session.unsubscribe(streams.get(stream)),
      };
      // Each round begins in the state that the last one left.
      const work: Promise<unknown>[] = [
        publisher.publishAudio(true),
        publisher.publishVideo(true),
        session.unpublish(publisher),
      ];
      if (stream) streams.set(stream, session.subscribe(stream));
      for (const { name, pauseMs } of calls) {
        work.push(Promise.resolve(acts[name]?.()).catch(() => {}));
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
      // Every call settles.
      await Promise.allSettled(work);
    }, calls);
    const said = `SEED=${seed} ${calls.map(({ name, pauseMs }) => `${name} ${pauseMs}`).join(', ')}`;
    const own = await ann.evaluate(() => (globalThis as unknown as TestPage).publisher.stream.streamId);
    const wanted = published ? [{ streamId: own, ...active }] : [];
    await expect
      .poll(async () => {
        const { streams } = await atOwner(running, room);
        return streams
          .filter(({ streamId }) => streamId.endsWith(own.slice(-14)) && own !== '')
          .map(({ streamId, mediaOptions: { audioActive, videoActive } }) => ({
            streamId,
            audio: audioActive,
            video: videoActive,
          }));
      }, said)
      .toEqual(wanted);
    // A muted track is not sent.
    const sending = published ? Number(active.audio) + Number(active.video) : 0;
    const receives = 2 * (Number(isSubscribed) + Number(published));
    await expect.poll(() => atMediaNodes(running), said).toEqual({ producers: published ? 4 : 2, consumers: receives });
    await expect.poll(() => open(ann), said).toMatchObject({ sending, receiving: isSubscribed ? 2 : 0 });
    await expect.poll(async () => (await open(bob)).receiving, said).toBe(published ? 2 : 0);
    const devices = (await open(ann)).devices;
    expect(published ? devices > 0 : devices === 0, `${said}: ${devices} devices`).toBe(true);
  }
  await ann.evaluate(() => (globalThis as unknown as TestPage).session.disconnect());
  await expect.poll(() => open(ann)).toEqual({ transceivers: 0, sending: 0, receiving: 0, devices: 0 });
  await expect.poll(() => pageCount(ann)).toMatchObject({ sockets: 0, connections: 0, audioContexts: 0, timers: [] });
  await expect.poll(() => atMediaNodes(running)).toEqual({ producers: 2, consumers: 0 });
});

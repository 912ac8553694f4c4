import type { Page } from 'playwright/test';
import type * as Sdk from '../../src/client/openvidu/index.ts';
import { expect, plays, test } from './openvidu-pages.ts';

/** Globals for the tests' scripts in the page. */
interface Here {
  OpenVidu: typeof Sdk.OpenVidu;
  openVidu: Sdk.OpenVidu;
  session: Sdk.Session;
  publisher: Sdk.Publisher;
  subscriber: Sdk.Subscriber;
}

/** Joins, shows remote streams in `#others`, and publishes in `#own`. */
async function join(page: Page, token: string): Promise<void> {
  await page.evaluate(async (token) => {
    const here = globalThis as unknown as Here;
    here.openVidu = new here.OpenVidu();
    here.session = here.openVidu.initSession();
    here.session.on('streamCreated', ({ stream }) => {
      here.subscriber = here.session.subscribe(stream, 'others');
    });
    await here.session.connect(token, { clientData: 'Ann' });
    here.publisher = here.openVidu.initPublisher('own');
    await here.session.publish(here.publisher);
  }, token);
}

test('properties that OpenVidu sets before a call returns are set', async ({ open, running, room }) => {
  const page = await open('blank');
  const read = await page.evaluate(
    async (token) => {
      const openVidu = new (globalThis as unknown as Here).OpenVidu();
      const session = openVidu.initSession();
      const made = [openVidu.session === session, session.openvidu === openVidu];
      const connecting = session.connect(token, { clientData: 'Ann' });
      const { sessionId } = session;
      await connecting;
      const publisher = openVidu.initPublisher('own');
      const { stream } = publisher;
      const before = [publisher.targetElement.id, stream.session === session, stream.streamManager === publisher];
      const publishing = session.publish(publisher);
      const during = [
        JSON.parse(stream.connection.data).clientData,
        stream.connection === session.connection,
        session.connection.stream === stream,
        publisher.session === session,
        stream.session === session,
        stream.isLocal(),
        stream.isLocalStreamPublished,
      ];
      void publisher.publishAudio(false);
      void publisher.publishVideo(false);
      const muted = [stream.audioActive, stream.videoActive];
      await publishing;
      return { made, sessionId, before, during, muted, after: [stream.isLocalStreamPublished, openVidu.role] };
    },
    await running.token(room),
  );
  expect(read).toEqual({
    made: [true, true],
    sessionId: room,
    before: ['own', true, true],
    during: ['Ann', true, true, true, true, true, false],
    muted: [false, false],
    after: [true, 'PUBLISHER'],
  });
});

test('all present connections are known before the first event', async ({ open, running, room }) => {
  const [ann, bob] = [await open('blank'), await open('blank')];
  await join(ann, await running.token(room));
  const read = await bob.evaluate(
    async (token) => {
      const session = new (globalThis as unknown as Here).OpenVidu().initSession();
      const seen: unknown[] = [];
      session.on('connectionCreated', ({ connection }) => {
        const others = [...session.remoteConnections.values()];
        const isOwn = connection === session.connection;
        seen.push([
          isOwn,
          others.length,
          others[0]?.stream?.hasVideo,
          session.remoteConnections.has(connection.connectionId),
        ]);
      });
      session.on('streamCreated', ({ stream }) => {
        const { inboundStreamOpts: inbound, connection } = stream;
        seen.push([
          inbound?.connection === connection,
          stream.session === session,
          stream.isLocal(),
          connection.record,
        ]);
        seen.push(JSON.parse(connection.remoteOptions?.metadata ?? '').clientData);
      });
      await session.connect(token);
      return seen;
    },
    await running.token(room),
  );
  expect(read).toEqual([[true, 1, true, false], [false, 1, true, true], [true, true, false, false], 'Ann']);
});

test('a subscriber that is muted locally says so, as toggles in applications expect', async ({
  open,
  running,
  room,
}) => {
  const [ann, bob] = [await open('blank'), await open('blank')];
  await join(ann, await running.token(room));
  await join(bob, await running.token(room));
  await plays(ann, '#others video');
  const toggle = (): Promise<unknown[]> =>
    ann.evaluate(() => {
      const { subscriber } = globalThis as unknown as Here;
      const { stream } = subscriber;
      subscriber.subscribeToAudio(!stream.audioActive).subscribeToVideo(!stream.videoActive);
      return [
        stream.audioActive,
        stream.videoActive,
        ...subscriber.mediaStream.getTracks().map(({ enabled }) => enabled),
      ];
    });
  expect(await toggle()).toEqual([false, false, false, false]);
  expect(await toggle()).toEqual([true, true, true, true]);
  await toggle();
  const active = (): Promise<boolean> =>
    ann.evaluate(() => (globalThis as unknown as Here).subscriber.stream.audioActive);
  // Changes by its publisher still cause events.
  const told = ann.evaluate(
    () =>
      new Promise((resolve) => {
        const { subscriber } = globalThis as unknown as Here;
        subscriber.once('streamPropertyChanged', ({ newValue }) => resolve(newValue));
      }),
  );
  await bob.evaluate(() => (globalThis as unknown as Here).publisher.publishAudio(false));
  expect(await told).toBe(false);
  await bob.evaluate(() => (globalThis as unknown as Here).publisher.publishAudio(true));
  await expect.poll(active).toBe(true);
});

test('classes keep their names, although the script is minified', async ({ open, running, room }) => {
  const [ann, bob] = [await open('blank'), await open('blank')];
  await join(ann, await running.token(room));
  await join(bob, await running.token(room));
  await plays(ann, '#others video');
  const names = await ann.evaluate(async () => {
    const { OpenVidu, openVidu, session, publisher, subscriber } = globalThis as unknown as Here;
    const event = new Promise<object>((resolve) => session.on('signal', resolve));
    await session.signal({ data: '' });
    const error = await new OpenVidu()
      .initSession()
      .signal({})
      .catch((error: object) => error as object);
    const all = [
      openVidu,
      session,
      publisher,
      subscriber,
      publisher.stream,
      session.connection,
      await event,
      error as object,
    ];
    return all.map((one) => one.constructor.name);
  });
  const classes = [
    'OpenVidu',
    'Session',
    'Publisher',
    'Subscriber',
    'Stream',
    'Connection',
    'SignalEvent',
    'OpenViduError',
  ];
  expect(names).toEqual(classes);
});

test('unsupported features reject with a named error', async ({ open, running, room }) => {
  const page = await open('blank');
  await join(page, await running.token(room));
  const codes = await page.evaluate(async () => {
    const { openVidu, session, publisher } = globalThis as unknown as Here;
    const { stream } = publisher;
    const recorder = openVidu.initLocalRecorder(stream);
    const filter = { type: 'VB:blur', options: {} } as Sdk.Filter;
    const filtered = openVidu.initPublisher(undefined, { filter });
    const calls: (() => unknown)[] = [
      () => stream.applyFilter('VB:blur', {}),
      () => stream.removeFilter(),
      () => session.subscribeToSpeechToText(stream, 'en-US'),
      () => session.unsubscribeFromSpeechToText(stream),
      () => recorder.record(),
      () => recorder.stop(),
      () => recorder.pause(),
      () => recorder.resume(),
      () => recorder.uploadAsBinary('/'),
      () => recorder.uploadAsMultipartfile('/'),
      () => recorder.preview('own'),
      () => recorder.download(),
      () => recorder.getBlob(),
      () => openVidu.initPublisherAsync(undefined, { filter }),
      () => session.publish(filtered),
    ];
    recorder.clean();
    return Promise.all(
      calls.map(async (call) => {
        try {
          await call();
          return 'done';
        } catch (error) {
          const { name, code, message } = error as Sdk.OpenViduError;
          return `${name} ${code} ${message}`;
        }
      }),
    );
  });
  const refusal = (what: string): string => `GENERIC_ERROR NOT_SUPPORTED ${what} are not supported.`;
  expect(codes).toEqual([
    ...Array(2).fill(refusal('Filters')),
    ...Array(2).fill(refusal('Transcriptions')),
    ...Array(9).fill(refusal('Local recordings')),
    ...Array(2).fill(refusal('Filters')),
  ]);
});

test('subscribeToRemote shows the stream as the server returns it', async ({ open, running, room }) => {
  const page = await open('blank');
  const token = await running.token(room);
  await page.evaluate(async (token) => {
    const here = globalThis as unknown as Here;
    here.openVidu = new here.OpenVidu();
    here.session = here.openVidu.initSession();
    await here.session.connect(token);
    here.publisher = await here.openVidu.initPublisherAsync('own');
    here.publisher.subscribeToRemote();
  }, token);
  const shown = (): Promise<unknown[]> =>
    page.evaluate(() => {
      const { publisher } = globalThis as unknown as Here;
      const [{ video } = { video: undefined }] = publisher.videos;
      const shown = video?.srcObject as MediaStream;
      const isLocal = shown === publisher.mediaStream;
      const isSame = shown === publisher.stream.getMediaStream();
      return [
        publisher.isSubscribedToRemote,
        isLocal,
        isSame,
        shown.getTracks().length,
        video?.muted,
        video?.style.transform,
      ];
    });
  expect(await shown()).toEqual([true, false, true, 0, false, '']);
  await page.evaluate(() => {
    const { session, publisher } = globalThis as unknown as Here;
    return session.publish(publisher);
  });
  await plays(page, '#own video');
  expect(await shown()).toEqual([true, false, true, 2, false, '']);
  // Its own connection carries the stream; it closes when the local picture is shown again, and can return.
  await page.evaluate(() => (globalThis as unknown as Here).publisher.subscribeToRemote(false));
  await plays(page, '#own video');
  expect(await shown()).toEqual([false, true, true, 2, true, 'rotateY(180deg)']);
  await page.evaluate(() => (globalThis as unknown as Here).publisher.subscribeToRemote());
  await plays(page, '#own video');
  expect(await shown()).toEqual([true, false, true, 2, false, '']);
  // It also works over new transports.
  const events = await page.evaluate(async () => {
    const { session, publisher } = globalThis as unknown as Here;
    const events: string[] = [];
    for (const name of ['reconnecting', 'reconnected'] as const) session.on(name, ({ type }) => events.push(type));
    await publisher.stream.reconnect();
    return events;
  });
  expect(events).toEqual(['reconnecting', 'reconnected']);
  await plays(page, '#own video');
  expect(await shown()).toEqual([true, false, true, 2, false, '']);
  await page.evaluate(() => {
    const { session, publisher } = globalThis as unknown as Here;
    return session.unpublish(publisher);
  });
  await expect(page.locator('#own video')).toHaveCount(0);
});

test('an unpublished publisher leaves nothing behind, nor does one that is being published', async ({
  open,
  running,
  room,
}) => {
  const page = await open('blank');
  await join(page, await running.token(room));
  const left = await page.evaluate(async () => {
    const { openVidu, session } = globalThis as unknown as Here;
    const never = await openVidu.initPublisherAsync('others');
    const [{ element }] = await Promise.all([
      new Promise<{ element: HTMLVideoElement }>((resolve) => never.once('videoElementDestroyed', resolve)),
      never.dispose(),
    ]);
    const once = await openVidu.initPublisherAsync('others');
    const publishing = session.publish(once).then(
      () => 'published',
      ({ code }: Sdk.OpenViduError) => code,
    );
    once.dispose();
    return [
      element.isConnected,
      element.srcObject,
      await publishing,
      document.querySelectorAll('#others video').length,
    ];
  });
  expect(left).toEqual([false, null, 'STREAM_UNKNOWN', 0]);
});

test('a publisher is published in one session at a time', async ({ open, running, room }) => {
  const page = await open('blank');
  await join(page, await running.token(room));
  const refused = await page.evaluate(
    async (token) => {
      const here = globalThis as unknown as Here;
      const other = here.openVidu.initSession();
      await other.connect(token);
      const error = await other.publish(here.publisher).catch((error: Sdk.OpenViduError) => error);
      // Unpublishing it in the other session has no effect.
      await other.unpublish(here.publisher);
      Object.assign(here, { other });
      const isHere =
        here.publisher.session === here.session && here.session.connection.stream === here.publisher.stream;
      return [error?.name, isHere, other.connection.stream];
    },
    await running.token(`${room}-other`),
  );
  expect(refused).toEqual(['PUBLISHED_ELSEWHERE', true, undefined]);
  await plays(page, '#own video');
  const moved = await page.evaluate(async () => {
    const { session, publisher, other } = globalThis as unknown as Here & { other: Sdk.Session };
    publisher.on('streamDestroyed', (event) => event.preventDefault());
    await session.unpublish(publisher);
    await other.publish(publisher);
    return publisher.session === other && other.streamManagers.includes(publisher);
  });
  expect(moved).toBe(true);
  await plays(page, '#own video');
});

import type { Page } from 'playwright/test';
import type * as Sdk from '../../src/client/index.ts';
import { test as base, expect, plays } from './openvidu-pages.ts';

/** Globals for the tests' scripts in the page. */
interface Here {
  OpenVidu: typeof Sdk.OpenVidu;
  session: Sdk.Session;
  publisher: Sdk.Publisher;
  subscriber: Sdk.Subscriber;
  told: string[];
}

const test = base.extend<{ join: (parameters?: { role?: string; publish?: boolean }) => Promise<Page> }>({
  /** A page with a joined session, which shows remote streams in `#others`. */
  join: async ({ open, running, room }, use) => {
    await use(async ({ role, publish = false } = {}) => {
      const page = await open('blank');
      const token = await running.token(room, role ? { role } : {});
      await page.evaluate(
        async ({ token, publish }) => {
          const here = globalThis as unknown as Here;
          const openVidu = new here.OpenVidu();
          const told: string[] = [];
          const session = openVidu.initSession();
          Object.assign(here, { session, told });
          session.on('streamCreated', ({ stream }) => {
            here.subscriber = session.subscribe(stream, 'others');
          });
          await session.connect(token);
          if (!publish) return;
          here.publisher = openVidu.initPublisher('own', { audioSource: false });
          await session.publish(here.publisher);
        },
        { token, publish },
      );
      return page;
    });
  },
});

test('events before connect() resolves: the own connection, then the others, then their streams', async ({
  join,
  open,
  running,
  room,
}) => {
  await join({ publish: true });
  await join();
  const page = await open('blank');
  const token = await running.token(room);
  const told = await page.evaluate(async (token) => {
    const session = new (globalThis as unknown as Here).OpenVidu().initSession();
    const told: string[] = [];
    session.on('connectionCreated', ({ type, connection, reason }) =>
      told.push(`${type}${reason} ${connection === session.connection ? 'own' : 'other'}`),
    );
    session.on('streamCreated', ({ type, reason, target }) => told.push(`${type}${reason} ${target === session}`));
    await session.connect(token);
    told.push('connected', JSON.stringify(session.capabilities));
    return told;
  }, token);
  const all = { subscribe: true, publish: true, forceUnpublish: false, forceDisconnect: false };
  expect(told).toEqual([
    'connectionCreated own',
    'connectionCreated other',
    'connectionCreated other',
    'streamCreated true',
    'connected',
    JSON.stringify(all),
  ]);
});

test('connect() rejects with the reason', async ({ join, open, running, room }) => {
  await join();
  const page = await open('blank');
  const token = await running.token(room);
  const connect = (token: string): Promise<{ code: unknown; message: unknown }> =>
    page.evaluate(async (token) => {
      const session = new (globalThis as unknown as Here).OpenVidu().initSession();
      const { code, message } = await session.connect(token).then(
        () => ({ code: 'none', message: 'connected' }),
        (error: { code: string; message: string }) => error,
      );
      return { code, message };
    }, token);
  expect(await connect('nonsense')).toEqual({ code: 'TOKEN_INVALID', message: 'Token not valid: "nonsense"' });
  expect((await connect(token)).message).toBe('connected');
  expect((await connect(token)).code).toBe('TOKEN_USED');
  expect((await connect(token.replace(/tok_\w+/, 'tok_1234567890123456'))).code).toBe('TOKEN_UNKNOWN');
});

test('without a session every call rejects with a clear error', async ({ open }) => {
  const page = await open('blank');
  const errors = await page.evaluate(async () => {
    const openVidu = new (globalThis as unknown as Here).OpenVidu();
    const session = openVidu.initSession();
    const publisher = openVidu.initPublisher(undefined, { audioSource: false });
    const names: string[] = [];
    const take = ({ name }: { name: string }): void => void names.push(name);
    await session.publish(publisher).catch(take);
    await session.unpublish(publisher).catch(take);
    await session.signal({ data: 'Hello' }).catch(take);
    await session.forceUnpublish(publisher.stream).catch(take);
    await session.subscribeAsync(publisher.stream, undefined).catch(take);
    try {
      session.subscribe(publisher.stream, undefined, (error) => take(error as Error));
    } catch (error) {
      take(error as Error);
    }
    return names;
  });
  expect(errors).toEqual(Array(7).fill('OPENVIDU_NOT_CONNECTED'));
});

test('a publisher: its stream from the start, the callback, late listeners', async ({ join }) => {
  const page = await join();
  const told = await page.evaluate(async () => {
    const { OpenVidu, session } = globalThis as unknown as Here;
    const told: string[] = [];
    const publisher = new OpenVidu().initPublisher('own', { audioSource: false, publishVideo: false }, (error) =>
      told.push(`callback ${error?.name}, ${document.querySelectorAll('#own video').length} video`),
    );
    const { stream } = publisher;
    told.push(`${stream.streamId}${stream.hasAudio} ${stream.hasVideo} ${stream.videoActive} ${stream.typeOfVideo}`);
    for (const name of ['videoElementCreated', 'accessAllowed', 'streamCreated'] as const) {
      publisher.on(name, () => told.push(name));
    }
    // The test does not wait before this call: publish() itself waits for the camera.
    await session.publish(publisher);
    told.push(`published ${publisher.stream === stream} ${session.connection.stream === stream}`);
    for (const name of ['videoElementCreated', 'accessAllowed', 'streamCreated'] as const) {
      publisher.once(name, () => told.push(`late ${name}`));
    }
    await Promise.resolve();
    return told;
  });
  expect(told).toEqual([
    'false true false CAMERA',
    'videoElementCreated',
    'callback undefined, 1 video',
    'accessAllowed',
    'streamCreated',
    'published true true',
    'late videoElementCreated',
    'late accessAllowed',
    'late streamCreated',
  ]);
});

test('subscribing: the video is there at once, late listeners get its event, and the end has an event', async ({
  join,
}) => {
  const page = await join();
  await page.evaluate(() => {
    const { session, told } = globalThis as unknown as Here;
    session.off('streamCreated').on('streamCreated', ({ stream }) => {
      const properties = { insertMode: 'BEFORE', subscribeToAudio: false };
      const subscriber = session.subscribe(stream, 'others', properties, (error) => told.push(`arrived ${error}`));
      told.push(
        `${document.getElementById('others')?.previousElementSibling?.id === `remote-video-${stream.streamId}`}`,
      );
      subscriber.on('videoElementCreated', ({ element }) => told.push(`created ${element.id.slice(0, 13)}`));
      subscriber.on('videoElementDestroyed', () => told.push('destroyed'));
      subscriber.on('streamPlaying', () => {
        told.push('playing');
        subscriber.once('streamPlaying', () => told.push('late playing'));
      });
    });
  });
  const told = (): Promise<string[]> => page.evaluate(() => (globalThis as unknown as Here).told);
  const other = await join({ publish: true });
  await expect.poll(told).toEqual(['true', 'created remote-video-', 'arrived undefined', 'playing', 'late playing']);
  await other.evaluate(() => (globalThis as unknown as Here).session.disconnect());
  await expect.poll(async () => (await told()).slice(5)).toEqual(['destroyed']);
});

test('videos of the application: 1 for a new one, 0 for a known one, -1 for one that showed another', async ({
  join,
}) => {
  await join({ publish: true });
  const page = await join({ publish: true });
  await plays(page, '#others video');
  const told = await page.evaluate(() => {
    const { publisher, subscriber } = globalThis as unknown as Here;
    const video = document.createElement('video');
    video.controls = true;
    document.body.append(video);
    const shown = (): unknown[] => [
      video.autoplay,
      video.controls,
      video.muted,
      video.style.transform,
      video.srcObject === subscriber.mediaStream ? 'theirs' : video.srcObject === publisher.mediaStream ? 'own' : '',
    ];
    return [
      [subscriber.addVideoElement(video), ...shown()],
      [subscriber.addVideoElement(video), ...shown()],
      [publisher.addVideoElement(video), ...shown()],
      [subscriber.addVideoElement(video), ...shown().with(2, 'as it was')],
      [video.id === `remote-video-${subscriber.stream.streamId}`],
    ];
  });
  expect(told).toEqual([
    [1, true, false, false, '', 'theirs'],
    [0, true, false, false, '', 'theirs'],
    [-1, true, false, true, 'rotateY(180deg)', 'own'],
    [-1, true, false, 'as it was', '', 'theirs'],
    [true],
  ]);
});

test('the position of a video: every mode, an unknown mode, and a missing target', async ({ open }) => {
  const page = await open('blank');
  const places = await page.evaluate(() => {
    const publisher = new (globalThis as unknown as Here).OpenVidu().initPublisher(undefined, { audioSource: false });
    const target = document.createElement('p');
    const child = document.createElement('span');
    target.append(child);
    document.body.append(target);
    const placeOf = (mode?: string): string => {
      const video = publisher.createVideoElement(target, mode);
      if (target.nextSibling === video) return 'after';
      if (target.previousSibling === video) return 'before';
      if (target.firstChild === video) return 'first';
      if (target.lastChild === video) return 'last';
      return !target.isConnected && video.isConnected ? 'instead' : 'nowhere';
    };
    const places = [undefined, 'AFTER', 'BEFORE', 'PREPEND', 'APPEND', 'nonsense', 'REPLACE'].map(placeOf);
    try {
      publisher.createVideoElement('not-there');
    } catch (error) {
      places.push((error as Sdk.OpenViduError).name);
    }
    return [...places, publisher.videos.length, publisher.targetElement === target];
  });
  expect(places).toEqual(['last', 'after', 'before', 'first', 'last', 'last', 'instead', 'GENERIC_ERROR', 7, true]);
});

test('unpublish and publish again: the same publisher, a reopened camera, another stream', async ({ join }) => {
  const page = await join({ publish: true });
  const other = await join();
  await plays(other, '#others video');
  const before = await other.locator('#others video').getAttribute('id');
  const told = await page.evaluate(async () => {
    const { publisher, session } = globalThis as unknown as Here;
    const [camera] = publisher.stream.getMediaStream().getVideoTracks();
    const told: string[] = [];
    publisher.on('streamDestroyed', ({ reason }) => told.push(reason));
    await session.unpublish(publisher);
    told.push(`${camera?.readyState}, ${document.querySelectorAll('#own video').length} video`);
    await session.unpublish(publisher);
    await session.publish(publisher);
    publisher.createVideoElement('own');
    return told;
  });
  expect(told).toEqual(['unpublish', 'ended, 0 video']);
  await plays(page, '#own video');
  await expect(other.locator('#others video')).not.toHaveAttribute('id', before ?? '');
  await plays(other, '#others video');
});

test('preventDefault() leaves videos in the page when a stream, or the session, ends', async ({ join }) => {
  const ann = await join({ publish: true });
  const bob = await join({ publish: true });
  await plays(bob, '#others video');
  const prevent = (page: Page): Promise<void> =>
    page.evaluate(() => {
      const { session, told } = globalThis as unknown as Here;
      for (const name of ['streamDestroyed', 'sessionDisconnected'] as const) {
        session.on(name, (event: Sdk.StreamEvent<Sdk.Session> | Sdk.SessionDisconnectedEvent) => {
          event.preventDefault();
          told.push(`${name} ${event.reason} ${event.cancelable} ${event.isDefaultPrevented()}`);
        });
      }
    });
  for (const page of [ann, bob]) await prevent(page);
  await plays(ann, '#others video');
  await ann.evaluate(() => {
    const { session, publisher, told } = globalThis as unknown as Here;
    publisher.on('streamDestroyed', ({ reason }) => told.push(`publisher ${reason}`));
    session.disconnect();
  });
  const told = (page: Page): Promise<string[]> => page.evaluate(() => (globalThis as unknown as Here).told);
  expect(await told(ann)).toEqual(['publisher disconnect', 'sessionDisconnected disconnect true true']);
  await expect.poll(() => told(bob)).toEqual(['streamDestroyed disconnect true true']);
  await expect(ann.locator('#others video')).toHaveCount(1);
  await expect(ann.locator('#own video')).toHaveCount(0);
  await expect(bob.locator('#others video')).toHaveCount(1);
});

test('two sessions in one page, each with its own stream, see each other', async ({ open, running, room }) => {
  const page = await open('blank');
  const tokens = [await running.token(room), await running.token(room)];
  const ids = await page.evaluate(async (tokens) => {
    const { OpenVidu } = globalThis as unknown as Here;
    const joined = tokens.map(async (token) => {
      const openVidu = new OpenVidu();
      const session = openVidu.initSession();
      session.on('streamCreated', ({ stream }) => session.subscribe(stream, 'others'));
      await session.connect(token);
      await session.publish(openVidu.initPublisher('own', { audioSource: false }));
      return session.connection.connectionId;
    });
    return Promise.all(joined);
  }, tokens);
  expect(new Set(ids).size).toBe(2);
  await plays(page, '#own video', 2);
  await plays(page, '#others video', 2);
});

test('the server changes the role: the client gets an event and new capabilities', async ({ join, running, room }) => {
  const page = await join({ role: 'SUBSCRIBER' });
  const id = await page.evaluate(() => {
    const { session, told } = globalThis as unknown as Here;
    session.on('connectionPropertyChanged', ({ connection, changedProperty, newValue, oldValue }) =>
      told.push(`${connection === session.connection} ${changedProperty} ${oldValue} ${newValue}`),
    );
    return session.connection.connectionId;
  });
  const patched = await running.rest('PATCH', `/sessions/${room}/connection/${id}`, { role: 'MODERATOR' });
  expect(patched.status).toBe(200);
  await expect
    .poll(() => page.evaluate(() => (globalThis as unknown as Here).told))
    .toEqual(['true role SUBSCRIBER MODERATOR']);
  const after = await page.evaluate(() => {
    const { session } = globalThis as unknown as Here;
    return [session.connection.role, session.capabilities];
  });
  const capabilities = { subscribe: true, publish: true, forceUnpublish: true, forceDisconnect: true };
  expect(after).toEqual(['MODERATOR', capabilities]);
});

test('a client that loses the right to send keeps receiving, and sends again when allowed', async ({
  join,
  running,
  room,
}) => {
  await join({ publish: true });
  const page = await join({ publish: true });
  await plays(page, '#others video');
  const id = await page.evaluate(() => {
    const { session, told } = globalThis as unknown as Here;
    session.on('connectionPropertyChanged', ({ newValue }) => told.push(`role ${newValue}`));
    session.on('reconnecting', ({ plane, cause }) => told.push(`reconnecting ${plane}: ${cause}`));
    session.on('exception', ({ name }) => told.push(`exception ${name}`));
    return session.connection.connectionId;
  });
  const become = (role: string) => running.rest('PATCH', `/sessions/${room}/connection/${id}`, { role });
  const told = () => page.evaluate(() => (globalThis as unknown as Here).told);
  await become('SUBSCRIBER');
  await expect.poll(told).toEqual(['role SUBSCRIBER']);
  // A connection with a dead remote end would be noticed within this time.
  await page.waitForTimeout(8_000);
  await become('PUBLISHER');
  await expect.poll(told).toEqual(['role SUBSCRIBER', 'role PUBLISHER']);
  await page.evaluate(() => {
    const { session, publisher } = globalThis as unknown as Here;
    return session.publish(publisher);
  });
  await plays(page, '#others video');
  expect(await told()).toEqual(['role SUBSCRIBER', 'role PUBLISHER']);
});

test('advanced configuration: the application’s ICE servers and policies', async ({ open, running, room }) => {
  const page = await open('blank');
  const token = await running.token(room);
  const used = await page.evaluate(async (token) => {
    const openVidu = new (globalThis as unknown as Here).OpenVidu();
    const session = openVidu.initSession();
    // After the session was made, as many applications do.
    openVidu.setAdvancedConfiguration({
      iceServers: [{ urls: 'stun:stun.example.org' }],
      rtcConfiguration: { iceTransportPolicy: 'relay', iceCandidatePoolSize: 3 },
    });
    await session.connect(token);
    const publisher = await openVidu.initPublisherAsync(undefined, { audioSource: false });
    await session.publish(publisher);
    const { iceServers, iceTransportPolicy, iceCandidatePoolSize } = publisher.stream
      .getRTCPeerConnection()
      .getConfiguration();
    return { urls: iceServers?.map(({ urls }) => [urls].flat()), iceTransportPolicy, iceCandidatePoolSize };
  }, token);
  expect(used).toEqual({
    urls: [['stun:stun.example.org']],
    iceTransportPolicy: 'relay',
    iceCandidatePoolSize: 3,
  });
});

for (const forced of [false, true]) {
  test(`a dropped socket ${forced ? 'restarts' : 'leaves alone'} the media, as configured`, async ({
    open,
    running,
    room,
  }) => {
    const page = await open('blank');
    const token = await running.token(room);
    const restarts = await page.evaluate(
      async ({ token, forced }) => {
        const sockets = new Set<WebSocket>();
        let restarts = 0;
        const { send } = WebSocket.prototype;
        WebSocket.prototype.send = function (data: string) {
          sockets.add(this);
          if (data.includes('"restartIce"')) restarts += 1;
          return send.call(this, data);
        };
        const openVidu = new (globalThis as unknown as Here).OpenVidu();
        openVidu.setAdvancedConfiguration({ forceMediaReconnectionAfterNetworkDrop: forced });
        const session = openVidu.initSession();
        await session.connect(token);
        const publisher = openVidu.initPublisher('own', { audioSource: false });
        await session.publish(publisher);
        const peer = publisher.stream.getRTCPeerConnection();
        while (peer.connectionState !== 'connected') {
          await new Promise((resolve) => peer.addEventListener('connectionstatechange', resolve, { once: true }));
        }
        const reconnected = new Promise((resolve) => session.on('reconnected', resolve));
        for (const socket of sockets) socket.close(3_999);
        await reconnected;
        // Its answer follows the answers to earlier requests.
        await session.signal({ type: 'after' });
        return restarts;
      },
      { token, forced },
    );
    expect(restarts).toBe(forced ? 1 : 0);
  });
}

test('devices and capabilities of the browser', async ({ open }) => {
  const page = await open('blank');
  const found = await page.evaluate(async () => {
    const openVidu = new (globalThis as unknown as Here).OpenVidu();
    openVidu.enableProdMode();
    const devices = await openVidu.getDevices();
    const media = await openVidu.getUserMedia({ audioSource: false, resolution: '320x240' });
    const tracks = media.getTracks().map((track) => {
      const { width, height } = track.getSettings();
      track.stop();
      return `${track.kind} ${width}x${height}`;
    });
    return {
      kinds: [...new Set(devices.map(({ kind }) => kind))].sort(),
      keys: Object.keys(devices[0] ?? {}).sort(),
      tracks,
      can: [openVidu.checkSystemRequirements(), openVidu.checkScreenSharingCapabilities()],
    };
  });
  expect(found).toEqual({
    kinds: ['audioinput', 'videoinput'],
    keys: ['deviceId', 'kind', 'label'],
    tracks: ['video 320x240'],
    can: [true, true],
  });
});

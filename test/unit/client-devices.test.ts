import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { captureMedia, type MediaSources } from '../../src/client/media/devices.ts';

class FakeTrack {
  readonly kind: string;
  contentHint = '';
  readyState = 'live';

  constructor(kind: string) {
    this.kind = kind;
  }

  stop(): void {
    this.readyState = 'ended';
  }
}

class FakeStream {
  readonly tracks: FakeTrack[];

  constructor(tracks: FakeTrack[]) {
    this.tracks = tracks;
  }

  getTracks = (): FakeTrack[] => this.tracks;
  getAudioTracks = (): FakeTrack[] => this.tracks.filter(({ kind }) => kind === 'audio');
  getVideoTracks = (): FakeTrack[] => this.tracks.filter(({ kind }) => kind === 'video');
}

/** A browser with a camera and a microphone, and a user who shares the screen. */
class FakeDevices {
  readonly asked: [what: string, constraints: MediaStreamConstraints][] = [];
  readonly opened: FakeTrack[] = [];
  devices = [
    { kind: 'videoinput', deviceId: 'cam' },
    { kind: 'audioinput', deviceId: 'mic' },
  ];
  /** Refused requests, with the error's name. */
  refused: Readonly<Record<string, string>> = {};
  /** Whether the user shares sound with the screen. */
  hasSound = true;

  constructor(t: TestContext) {
    Reflect.defineProperty(navigator, 'mediaDevices', { configurable: true, value: this });
    t.after(() => Reflect.deleteProperty(navigator, 'mediaDevices'));
  }

  getUserMedia = (constraints: MediaStreamConstraints): Promise<FakeStream> => this.#open('devices', constraints);
  getDisplayMedia = (constraints: MediaStreamConstraints): Promise<FakeStream> =>
    this.#open('screen', this.hasSound ? constraints : { ...constraints, audio: false });
  enumerateDevices = async (): Promise<object[]> => this.devices;

  async #open(what: string, constraints: MediaStreamConstraints): Promise<FakeStream> {
    this.asked.push([what, constraints]);
    const name = this.refused[what];
    if (name) throw new DOMException('no', name);
    const tracks = (['audio', 'video'] as const).flatMap((kind) => (constraints[kind] ? new FakeTrack(kind) : []));
    this.opened.push(...tracks);
    return new FakeStream(tracks);
  }
}

const SIZE = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
const track = (kind: string): MediaStreamTrack => new FakeTrack(kind) as unknown as MediaStreamTrack;

const SOURCES: readonly (readonly [
  what: string,
  MediaSources,
  asked: FakeDevices['asked'],
  typeOfVideo: string | undefined,
])[] = [
  ['no properties', {}, [['devices', { audio: true, video: SIZE }]], 'CAMERA'],
  [
    'devices by their ids',
    { audioSource: 'mic', videoSource: 'cam', resolution: '1280x720', frameRate: 15 },
    [
      [
        'devices',
        {
          audio: { deviceId: { exact: 'mic' } },
          video: {
            width: { ideal: 1280 },
            height: { ideal: 720 },
            frameRate: { ideal: 15 },
            deviceId: { exact: 'cam' },
          },
        },
      ],
    ],
    'CAMERA',
  ],
  ['only sound', { videoSource: false }, [['devices', { audio: true, video: false }]], undefined],
  ['tracks of the application', { audioSource: track('audio'), videoSource: track('video') }, [], 'CUSTOM'],
  [
    'a screen, and the microphone',
    { videoSource: 'screen', frameRate: 10 },
    [
      ['screen', { video: { frameRate: { ideal: 10 } }, audio: false }],
      ['devices', { audio: true, video: false }],
    ],
    'SCREEN',
  ],
  [
    'a screen with its sound',
    { videoSource: 'screen', audioSource: 'screen' },
    [['screen', { video: { frameRate: { ideal: 30 } }, audio: true }]],
    'SCREEN',
  ],
  [
    'the sound of a screen without one',
    { audioSource: 'screen' },
    [['devices', { audio: false, video: SIZE }]],
    'CAMERA',
  ],
];

for (const [what, sources, asked, typeOfVideo] of SOURCES) {
  test(`${what}: requests to the browser`, async (t) => {
    const devices = new FakeDevices(t);
    const captured = await captureMedia(sources);
    assert.deepEqual(devices.asked, asked);
    assert.equal(captured.typeOfVideo, typeOfVideo);
    const isAudioWanted = sources.audioSource !== 'screen' || sources.videoSource === 'screen';
    assert.equal(captured.audio?.kind, isAudioWanted ? 'audio' : undefined);
    assert.equal(captured.video?.kind, typeOfVideo && 'video');
    if (typeOfVideo === 'SCREEN') assert.equal(captured.video?.contentHint, 'detail');
  });
}

test('a screen without sound is accepted', async (t) => {
  new FakeDevices(t).hasSound = false;
  const { audio, video } = await captureMedia({ videoSource: 'screen', audioSource: 'screen' });
  assert.equal(audio, undefined);
  assert.equal(video?.kind, 'video');
});

test('screen sharing stops when its microphone is not available', async (t) => {
  const devices = new FakeDevices(t);
  devices.refused = { devices: 'NotAllowedError' };
  await assert.rejects(captureMedia({ videoSource: 'screen' }), { name: 'DEVICE_ACCESS_DENIED' });
  assert.deepEqual(
    devices.opened.map(({ readyState }) => readyState),
    ['ended'],
  );
});

const REFUSALS: readonly (readonly [string, MediaSources, domName: string, name: string])[] = [
  ['nothing is wanted', { audioSource: false, videoSource: null }, '', 'NO_INPUT_SOURCE_SET'],
  ['the sound of no screen', { audioSource: 'screen', videoSource: false }, '', 'NO_INPUT_SOURCE_SET'],
  ['no size', { resolution: 'large' }, '', 'PUBLISHER_PROPERTIES_ERROR'],
  ['no frames', { frameRate: 0 }, '', 'PUBLISHER_PROPERTIES_ERROR'],
  ['no frames of a screen', { videoSource: 'screen', frameRate: Number.NaN }, '', 'PUBLISHER_PROPERTIES_ERROR'],
  ['denied', {}, 'NotAllowedError', 'DEVICE_ACCESS_DENIED'],
  ['in use', {}, 'NotReadableError', 'DEVICE_ALREADY_IN_USE'],
  ['another camera', { videoSource: 'gone' }, 'OverconstrainedError', 'INPUT_VIDEO_DEVICE_NOT_FOUND'],
  ['another microphone', { audioSource: 'gone' }, 'OverconstrainedError', 'INPUT_AUDIO_DEVICE_NOT_FOUND'],
  ['no microphone', { videoSource: false }, 'NotFoundError', 'INPUT_AUDIO_DEVICE_NOT_FOUND'],
  ['a strange microphone', { videoSource: false }, 'UnknownError', 'INPUT_AUDIO_DEVICE_GENERIC_ERROR'],
  ['a strange camera', {}, 'UnknownError', 'GENERIC_ERROR'],
];

for (const [what, sources, domName, name] of REFUSALS) {
  test(`${what}: ${name}`, async (t) => {
    const devices = new FakeDevices(t);
    if (domName) devices.refused = { devices: domName };
    await assert.rejects(captureMedia(sources), { name });
    assert.equal(devices.asked.length, domName ? 1 : 0);
  });
}

test('a denied screen: SCREEN_CAPTURE_DENIED; a browser without screen sharing: SCREEN_SHARING_NOT_SUPPORTED', async (t) => {
  const devices = new FakeDevices(t);
  devices.refused = { screen: 'NotAllowedError' };
  await assert.rejects(captureMedia({ videoSource: 'screen' }), { name: 'SCREEN_CAPTURE_DENIED' });
  Reflect.deleteProperty(devices, 'getDisplayMedia');
  await assert.rejects(captureMedia({ videoSource: 'screen' }), { name: 'SCREEN_SHARING_NOT_SUPPORTED' });
});

test('a missing device is named, even if the browser lists none in an unfocused window', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const devices = new FakeDevices(t);
  devices.refused = { devices: 'NotFoundError' };
  devices.enumerateDevices = () => new Promise(() => {});
  const refused = assert.rejects(captureMedia({ audioSource: false, videoSource: 'gone' }), {
    name: 'INPUT_VIDEO_DEVICE_NOT_FOUND',
  });
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  t.mock.timers.tick(500);
  await refused;
});

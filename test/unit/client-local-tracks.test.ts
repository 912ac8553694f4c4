import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CapturedMedia, MediaSources } from '../../src/client/media/devices.ts';
import { LocalTracks } from '../../src/client/media/local-tracks.ts';

class FakeTrack extends EventTarget {
  readonly kind: string;
  readonly settings: MediaTrackSettings;
  enabled = true;
  readyState: 'live' | 'ended' = 'live';

  constructor(kind: string, settings: MediaTrackSettings = {}) {
    super();
    this.kind = kind;
    this.settings = settings;
  }

  getSettings(): MediaTrackSettings {
    return this.readyState === 'live' ? this.settings : {};
  }

  stop(): void {
    this.readyState = 'ended';
  }

  /** Like unplugging the device. */
  end(): void {
    this.stop();
    this.dispatchEvent(new Event('ended'));
  }
}

const CAMERA = { deviceId: 'cam', width: 1280, height: 720, frameRate: 30 };

class Page {
  readonly shown = new Set<FakeTrack>();
  readonly ended: string[] = [];
  readonly asked: MediaSources[] = [];
  opened: FakeTrack[] = [];
  answer: () => Promise<void> = async () => {};
  readonly tracks: LocalTracks;

  constructor(active = { audio: true, video: true }) {
    this.tracks = new LocalTracks({
      mediaStream: {
        addTrack: (track: FakeTrack) => this.shown.add(track),
        removeTrack: (track: FakeTrack) => this.shown.delete(track),
      } as unknown as MediaStream,
      active,
      ended: (kind) => this.ended.push(kind),
      capture: async (sources) => {
        this.asked.push(sources);
        await this.answer();
        const [audio, video] = [
          sources.audioSource === false ? undefined : new FakeTrack('audio', { deviceId: 'mic' }),
          sources.videoSource === false ? undefined : new FakeTrack('video', CAMERA),
        ];
        this.opened = [audio, video].filter((track) => track !== undefined);
        return { audio, video, typeOfVideo: 'CAMERA' } as unknown as CapturedMedia;
      },
    });
  }

  put(track: FakeTrack): void {
    this.tracks.put(track.kind === 'audio' ? 'audio' : 'video', track as unknown as MediaStreamTrack);
  }

  track(kind: 'audio' | 'video'): FakeTrack {
    const track: unknown = this.tracks.get(kind);
    assert.ok(track instanceof FakeTrack);
    return track;
  }
}

test('an opened track is shown, muted as requested', async () => {
  const page = new Page({ audio: false, video: true });
  await page.tracks.open({});
  assert.deepEqual([...page.shown], page.opened);
  assert.deepEqual(
    page.opened.map(({ enabled }) => enabled),
    [false, true],
  );
});

test('a replacement stops the old track, shows the new one, and keeps it muted', async () => {
  const page = new Page();
  await page.tracks.open({});
  const before = page.track('video');
  page.tracks.setActive('video', false);
  const next = new FakeTrack('video');
  page.put(next);
  assert.equal(before.readyState, 'ended');
  assert.equal(next.enabled, false);
  assert.deepEqual(
    [...page.shown].map(({ kind }) => kind),
    ['audio', 'video'],
  );
  // A track in place of itself.
  page.put(next);
  assert.equal(next.readyState, 'live');
  assert.deepEqual(page.ended, []);
});

test('a lost device is reported; a replaced or released one is not', async () => {
  const page = new Page();
  await page.tracks.open({});
  const [first, microphone] = [page.track('video'), page.track('audio')];
  page.put(new FakeTrack('video'));
  first.end();
  page.tracks.free('video');
  assert.deepEqual(page.ended, []);
  microphone.end();
  assert.deepEqual(page.ended, ['audio']);
  assert.equal(page.tracks.hasEnded('audio'), true);
});

test('a released camera is reopened as before: the same device, in the same size', async () => {
  const page = new Page();
  await page.tracks.open({ videoSource: undefined });
  page.tracks.free('video');
  assert.equal(page.track('video').readyState, 'ended');
  const again = await page.tracks.reopen('video');
  assert.ok(again);
  assert.deepEqual(page.asked[1], {
    audioSource: false,
    videoSource: 'cam',
    resolution: '1280x720',
    frameRate: 30,
  });
});

test('a screen is reopened as a screen, and a microphone as a microphone', async () => {
  const page = new Page();
  await page.tracks.open({});
  page.put(new FakeTrack('video', { displaySurface: 'monitor', deviceId: 'x', width: 800, height: 600 }));
  page.track('video').end();
  await page.tracks.reopen('video');
  page.track('audio').end();
  await page.tracks.reopen('audio');
  assert.deepEqual(page.asked.slice(1), [
    { audioSource: false, videoSource: 'screen', resolution: '800x600', frameRate: undefined },
    { audioSource: 'mic', videoSource: false },
  ]);
});

test('a camera that is no longer wanted when it opens is closed at once', async () => {
  const page = new Page();
  await page.tracks.open({});
  page.tracks.free('video');
  page.answer = async () => page.tracks.setActive('video', false);
  assert.equal(await page.tracks.reopen('video'), undefined);
  assert.equal(page.opened[0]?.readyState, 'ended');
});

test('a track that opens after the end is closed at once', async () => {
  const page = new Page();
  page.answer = async () => page.tracks.close();
  await assert.rejects(page.tracks.open({}), { name: 'GENERIC_ERROR' });
  assert.deepEqual(
    page.opened.map(({ readyState }) => readyState),
    ['ended', 'ended'],
  );
  assert.equal(page.shown.size, 0);
  assert.equal(page.tracks.isClosed, true);
  // It can be opened again.
  page.answer = async () => {};
  await page.tracks.open({});
  assert.equal(page.tracks.isClosed, false);
  assert.equal(page.shown.size, 2);
  page.tracks.close();
  assert.equal(page.shown.size, 0);
  const late = new FakeTrack('video');
  page.put(late);
  assert.equal(late.readyState, 'ended');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitEncodings, videoEncodings } from '../../src/client/media/encodings.ts';

function trackOf(width: number, height: number): MediaStreamTrack {
  return { getSettings: () => ({ width, height }) } as MediaStreamTrack;
}

const scales = (encodings: readonly { scaleResolutionDownBy?: number | undefined }[]): unknown[] =>
  encodings.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy);

test('a video has as many layers as browsers send at its size, and the largest has the full size', () => {
  for (const [width, height, expected] of [
    [320, 180, [1]],
    [480, 270, [2, 1]],
    [640, 360, [2, 1]],
    [640, 480, [2, 1]],
    [480, 640, [2, 1]],
    [854, 480, [2, 1]],
    [960, 540, [4, 2, 1]],
    [1280, 720, [4, 2, 1]],
    [720, 1280, [4, 2, 1]],
    [1920, 1080, [4, 2, 1]],
  ] as const) {
    const encodings = videoEncodings(trackOf(width, height), true);
    assert.deepEqual(scales(encodings), expected, `${width}x${height}`);
    const bitrates = encodings.map(({ maxBitrate = 0 }) => maxBitrate);
    assert.deepEqual(
      bitrates,
      bitrates.toSorted((one, other) => one - other),
    );
  }
});

test('in Firefox, which begins with 300 kbit/s, the lower layers leave room for the full size', (t) => {
  const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
  Object.defineProperty(navigator, 'userAgent', { configurable: true, value: userAgent });
  t.after(() => Reflect.deleteProperty(navigator, 'userAgent'));
  for (const [width, height, expected] of [
    [320, 180, [1]],
    [640, 480, [2, 1]],
    [960, 540, [4, 1]],
    [1280, 720, [4, 2, 1]],
  ] as const) {
    const encodings = videoEncodings(trackOf(width, height), true);
    assert.deepEqual(scales(encodings), expected, `${width}x${height}`);
    for (const { maxBitrate = 0 } of encodings.slice(0, -1)) assert.ok(maxBitrate <= 80_000, `${maxBitrate} bit/s`);
  }
});

test('a screen is sent in one layer, in its full size and readable', () => {
  assert.deepEqual(videoEncodings(trackOf(1280, 720), false), [{ scaleResolutionDownBy: 1, maxBitrate: 2_500_000 }]);
  const [fullHd] = videoEncodings(trackOf(1920, 1080), false);
  assert.ok((fullHd?.maxBitrate ?? 0) > 2_500_000);
});

test('a track of another size keeps the layers for its size, with the full size enabled', () => {
  const large = videoEncodings(trackOf(1280, 720), true).map((encoding, at) => ({ ...encoding, rid: `r${at}` }));
  const fitted = fitEncodings(large as RTCRtpEncodingParameters[], trackOf(640, 480), true);
  assert.deepEqual(
    fitted.map(({ rid, scaleResolutionDownBy, active }) => [rid, scaleResolutionDownBy, active]),
    [
      ['r0', 2, true],
      ['r1', 1, true],
      ['r2', 1, false],
    ],
  );
  const again = fitEncodings(fitted, trackOf(1280, 720), true);
  assert.deepEqual(scales(again), [4, 2, 1]);
  assert.ok(again.every(({ active }) => active));

  const small = videoEncodings(trackOf(320, 180), true) as RTCRtpEncodingParameters[];
  const [only] = fitEncodings(small, trackOf(1280, 720), true);
  assert.equal(only?.scaleResolutionDownBy, 1);
  assert.ok((only?.maxBitrate ?? 0) > 1_000_000, 'and gets the bit rate of its size');
});

test('a track of unknown size is treated as a camera of 640x480', () => {
  assert.deepEqual(scales(videoEncodings({ getSettings: () => ({}) } as MediaStreamTrack, true)), [2, 1]);
});

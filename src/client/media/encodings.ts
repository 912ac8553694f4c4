import type { types } from 'mediasoup-client';

/** How a layer is made of the whole picture: its sides divided by this, and the most that it may use, bit/s. */
interface Layer {
  readonly scaleResolutionDownBy: number;
  readonly maxBitrate: number;
}

/**
 * From so many pixels on, Chromium and Safari send three layers, or two. What is asked for beyond that is not sent, and it
 * would be the largest: nobody would see the full size. From libwebrtc's table of simulcast formats.
 */
const THREE_LAYERS = 960 * 540;
const TWO_LAYERS = 480 * 270;

/** bit/s, for 1920×1080: enough for a moving face. Smaller videos need less, though more for each pixel. */
const FULL_HD = { pixels: 1920 * 1080, bitrate: 3_500_000 };
/** Share of a lower layer, which receivers get when their network does not carry the full one. */
const LOWER_SHARE = 0.3;
/**
 * Each layer in its full frame rate, in one part. In three parts a viewer begins with a quarter of the frames, and gets the
 * others when mediasoup looks at the network next. Firefox always sends several parts, whatever it is asked for.
 */
const FULL_RATE = 'L1T1';
/** bit/s of a video that people read, e.g. a screen: a single layer, in better quality. */
const READABLE = 2_500_000;

/**
 * bit/s. Firefox begins with 300 kbit/s and grows by a tenth a second. A layer gets its share only when the lower ones have all
 * of theirs: so that the full size is there from the beginning, they are given next to nothing.
 */
const FIREFOX_LOWER = 60_000;
/** From so many pixels on, Firefox sends a layer only with 1.2 Mbit/s left: until then the one of half the size is shown. */
const FIREFOX_LARGE = 1280 * 720;

/**
 * In which layers a video is sent, the smallest first.
 * @param isSimulcast several at once, so that everyone gets the best that their network carries
 */
export function videoEncodings(track: MediaStreamTrack, isSimulcast: boolean): types.RtpEncodingParameters[] {
  const layers = layersFor(track, isSimulcast);
  const parts = layers.length > 1 && !isFirefox() ? { scalabilityMode: FULL_RATE } : {};
  return layers.map((layer) => ({ ...layer, ...parts }));
}

/** For a track of another size: the full one is on, and what a browser would not send at this size is off. */
export function fitEncodings(
  encodings: readonly RTCRtpEncodingParameters[],
  track: MediaStreamTrack,
  isSimulcast: boolean,
): RTCRtpEncodingParameters[] {
  const layers = layersFor(track, isSimulcast).slice(-encodings.length);
  return encodings.map((known, at) => ({ ...known, ...layers[at], active: at < layers.length }));
}

/** kbit/s. Where the estimate of the network begins, so that the full size is there from the beginning. */
export function startBitrate(track: MediaStreamTrack): number {
  return pixelsOf(track) < THREE_LAYERS ? 1_000 : 1_500;
}

function pixelsOf(track: MediaStreamTrack): number {
  // A track that does not say its size is taken for a camera.
  const { width = 640, height = 480 } = track.getSettings();
  return width * height;
}

function layersFor(track: MediaStreamTrack, isSimulcast: boolean): Layer[] {
  const pixels = pixelsOf(track);
  return divisors(pixels, isSimulcast).map((scaleResolutionDownBy) => {
    const share = pixels / scaleResolutionDownBy ** 2 / FULL_HD.pixels;
    const fitting = Math.round(FULL_HD.bitrate * share ** 0.75);
    const lower = isFirefox() ? FIREFOX_LOWER : Math.round(fitting * LOWER_SHARE);
    const full = isSimulcast ? fitting : Math.max(READABLE, fitting);
    return { scaleResolutionDownBy, maxBitrate: scaleResolutionDownBy === 1 ? full : lower };
  });
}

function isFirefox(): boolean {
  return navigator.userAgent.includes('Firefox/');
}

function divisors(pixels: number, isSimulcast: boolean): readonly number[] {
  if (!isSimulcast || pixels < TWO_LAYERS) return [1];
  if (isFirefox() && pixels < FIREFOX_LARGE) return pixels < THREE_LAYERS ? [2, 1] : [4, 1];
  return pixels < THREE_LAYERS ? [2, 1] : [4, 2, 1];
}

/** bit/s. What a layer needs at least, by its pixels: below that browsers do not send it. From libwebrtc's table. */
const LEAST: readonly (readonly [pixels: number, bitrate: number])[] = [
  [1920 * 1080, 800_000],
  [1280 * 720, 600_000],
  [960 * 540, 350_000],
  [0, 150_000],
];

/** bit/s. What the network has to carry so that each of these layers is sent, those below it included. */
export function needsOf(encodings: readonly RTCRtpEncodingParameters[], track: MediaStreamTrack): number[] {
  let below = 0;
  return encodings.map(({ scaleResolutionDownBy = 1, maxBitrate = 0 }) => {
    const pixels = pixelsOf(track) / scaleResolutionDownBy ** 2;
    const needs = below + Math.min(maxBitrate, LEAST.find(([from]) => pixels >= from)?.[1] ?? 0);
    below += maxBitrate;
    return needs;
  });
}

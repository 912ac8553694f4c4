import type { types } from 'mediasoup-client';

/**
 * From so many pixels on, browsers send three layers, or two. A layer that is asked for beyond these is not sent, and it is
 * the largest: nobody would see the full size. From libwebrtc's table of simulcast formats.
 */
const THREE_LAYERS = 960 * 540;
const TWO_LAYERS = 480 * 270;

/** bit/s, for 1920×1080: enough for a face that moves. What is smaller needs less, though more for each pixel. */
const FULL_HD = { pixels: 1920 * 1080, bitrate: 3_500_000 };
/** bit/s. What is to be read and not only seen is sent in one layer, and a better one. */
const READABLE = 2_500_000;

/** A video track's size, as far as its source says. */
function pixelsOf(track: MediaStreamTrack): number {
  const { width = 640, height = 480 } = track.getSettings();
  return width * height;
}

/**
 * In which layers a video is sent, the smallest first.
 * @param isSimulcast several at once, so that everyone gets the best that their network carries
 */
export function videoEncodings(track: MediaStreamTrack, isSimulcast: boolean): types.RtpEncodingParameters[] {
  const layers = isSimulcast ? layersOf(pixelsOf(track)) : 1;
  return Array.from({ length: layers }, (_, at) => encoding(pixelsOf(track), 2 ** (layers - 1 - at), isSimulcast));
}

/** The same layers for a track of another size: those that a browser would not send are off, and the full size is on. */
export function fitEncodings(
  encodings: RTCRtpEncodingParameters[],
  track: MediaStreamTrack,
  isSimulcast: boolean,
): RTCRtpEncodingParameters[] {
  const layers = Math.min(encodings.length, isSimulcast ? layersOf(pixelsOf(track)) : 1);
  return encodings.map((known, at) => ({
    ...known,
    ...encoding(pixelsOf(track), 2 ** Math.max(0, layers - 1 - at), isSimulcast),
    active: at < layers,
  }));
}

function layersOf(pixels: number): number {
  return pixels >= THREE_LAYERS ? 3 : pixels >= TWO_LAYERS ? 2 : 1;
}

function encoding(
  pixels: number,
  scaleResolutionDownBy: number,
  isSimulcast: boolean,
): { scaleResolutionDownBy: number; maxBitrate: number } {
  const share = pixels / scaleResolutionDownBy ** 2 / FULL_HD.pixels;
  const bitrate = Math.round(FULL_HD.bitrate * share ** 0.75);
  return { scaleResolutionDownBy, maxBitrate: isSimulcast ? bitrate : Math.max(READABLE, bitrate) };
}

import type { types } from 'mediasoup-client';

/** Below so many pixels in width, a quarter of a picture is of no use. */
const NARROW = 480;

/**
 * In which qualities a video is sent. Bit rates per second.
 * @param isSimulcast three qualities at once, so that everyone gets the best that their network carries
 */
export function videoEncodings(track: MediaStreamTrack, isSimulcast: boolean): types.RtpEncodingParameters[] {
  const { width = 640 } = track.getSettings();
  if (width < NARROW) return [{ maxBitrate: 500_000 }];
  // What is to be read, and not just seen, is mostly sent in one quality, and a better one.
  if (!isSimulcast) return [{ maxBitrate: 2_500_000 }];
  return [
    { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
    { scaleResolutionDownBy: 2, maxBitrate: 500_000 },
    { scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
  ];
}

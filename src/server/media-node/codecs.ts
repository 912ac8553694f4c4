import type { types } from 'mediasoup';

/**
 * The codecs of every router. All nodes list them in the same order, so that all routers have the same capabilities. A client prepared
 * for one node is then prepared for all.
 *
 * Publishers receive the parameters in the answer to their offer. `opusStereo` is left to the publisher, because stereo would double the
 * bitrate of every microphone.
 */
export const MEDIA_CODECS: readonly types.RouterRtpCodecCapability[] = [
  {
    kind: 'audio',
    mimeType: 'audio/opus',
    clockRate: 48_000,
    channels: 2,
    // Repairs single losses without a round trip, and sends almost nothing during silence.
    parameters: { minptime: 10, useinbandfec: 1, usedtx: 1 },
  },
  {
    kind: 'video',
    mimeType: 'video/VP8',
    clockRate: 90_000,
    // kbit/s. Bandwidth estimation restarts with every transport. From the usual 300, a picture moved to another node would be
    // blurred for seconds.
    parameters: { 'x-google-start-bitrate': 1_000 },
  },
];

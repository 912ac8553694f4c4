import type { types } from 'mediasoup';

/**
 * What media can be made of, in the same order on every node: that gives every router the same capabilities, so that a
 * client prepared for one node is prepared for all.
 *
 * The parameters reach publishers in the answer to their offer. Stereo is left to the publisher, who asks for it
 * (`opusStereo`): demanded here it would double the bitrate of every microphone.
 */
export const MEDIA_CODECS: readonly types.RouterRtpCodecCapability[] = [
  {
    kind: 'audio',
    mimeType: 'audio/opus',
    clockRate: 48_000,
    channels: 2,
    // Repairs single losses without a round trip, and sends next to nothing in silence.
    parameters: { minptime: 10, useinbandfec: 1, usedtx: 1 },
  },
  {
    kind: 'video',
    mimeType: 'video/VP8',
    clockRate: 90_000,
    // kbit/s. Bandwidth estimation begins anew with every transport: from its usual 300 a migrated picture would be
    // blurred for seconds.
    parameters: { 'x-google-start-bitrate': 1_000 },
  },
];

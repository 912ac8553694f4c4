import type { types } from 'mediasoup-client';

/** What the raw call's pages and their server say to each other: as little as two people who see each other need. */

export type RawTransport = 'send' | 'recv';

/** Where the media is now. Said when a page comes, and again when the worker was replaced. */
export interface RawMedia {
  readonly t: 'media';
  readonly routerRtpCapabilities: types.RtpCapabilities;
  readonly send: types.TransportOptions;
  readonly recv: types.TransportOptions;
}

export type RawServerMessage =
  | RawMedia
  | { readonly t: 'consume'; readonly consumers: readonly types.ConsumerOptions[] };

export type RawRequest =
  | { readonly t: 'connect'; readonly direction: RawTransport; readonly dtlsParameters: types.DtlsParameters }
  | { readonly t: 'canReceive'; readonly rtpCapabilities: types.RtpCapabilities }
  | { readonly t: 'produce'; readonly kind: types.MediaKind; readonly rtpParameters: types.RtpParameters }
  | { readonly t: 'resume'; readonly consumers: readonly string[] };

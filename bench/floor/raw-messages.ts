import type { types } from 'mediasoup-client';

/** Messages between the raw call's pages and their server: the minimum for a call of two. */

export type RawTransport = 'send' | 'recv';

/** The present location of the media. Sent to a new page, and again after the worker was replaced. */
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

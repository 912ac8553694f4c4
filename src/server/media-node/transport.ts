import { isDeepStrictEqual } from 'node:util';
import type { types } from 'mediasoup';
import { ProtocolError } from '../../protocol/errors.ts';
import type { TransportInfo } from '../../protocol/methods.ts';
import type { MediaNews } from './api.ts';
import type { MediaObject } from './keyed.ts';

export type TransportState = MediaNews['transportState']['state'];

/**
 * bit/s. Initial estimate of what a receiver can take: enough for a camera's highest layer, so that the picture is sharp at once after a
 * move to another node.
 */
const INITIAL_OUTGOING_BITRATE = 1_500_000;

/**
 * How long after it is connected a transport has an estimate of what it can carry, ms. mediasoup makes the first one on a timer of at
 * most 25 ms, and a worker that is late runs that timer before it reads the next command. Without an estimate, consumers have no layer
 * and do not request a key frame.
 */
const ESTIMATE_MS = 30;

export interface TransportListener {
  readonly changed: (state: TransportState) => void;
  /** Called when consumers can get media. */
  readonly ready: () => void;
}

/** The node's end of a client's transport. */
export class MediaTransport implements MediaObject {
  readonly #transport: types.WebRtcTransport;
  readonly #listener: TransportListener;
  #state: TransportState | undefined;
  #estimate: NodeJS.Timeout | undefined;
  #hasEstimate = false;
  #connection: { readonly parameters: types.DtlsParameters; readonly done: Promise<void> } | undefined;

  static async create(
    router: types.Router,
    webRtcServer: types.WebRtcServer,
    listener: TransportListener,
  ): Promise<MediaTransport> {
    const transport = await router.createWebRtcTransport({
      webRtcServer,
      enableUdp: true,
      enableTcp: true,
      preferUdp: true,
      enableSctp: false,
      initialAvailableOutgoingBitrate: INITIAL_OUTGOING_BITRATE,
    });
    return new MediaTransport(transport, listener);
  }

  constructor(transport: types.WebRtcTransport, listener: TransportListener) {
    this.#transport = transport;
    this.#listener = listener;
    transport.on('icestatechange', () => this.#look());
    transport.on('dtlsstatechange', () => this.#look());
    transport.observer.once('close', () => clearTimeout(this.#estimate));
  }

  get info(): TransportInfo {
    const { id, iceParameters, iceCandidates, dtlsParameters } = this.#transport;
    return { id, iceParameters, iceCandidates, dtlsParameters };
  }

  /** Whether consumers can get media. */
  get isReady(): boolean {
    return this.#state === 'connected' && this.#hasEstimate;
  }

  get closed(): boolean {
    return this.#transport.closed;
  }

  get observer(): types.WebRtcTransportObserver {
    return this.#transport.observer;
  }

  close(): void {
    this.#transport.close();
  }

  /** Connects. Repeating it with the same parameters has no effect here, although mediasoup would report an error. */
  async connect(parameters: types.DtlsParameters): Promise<void> {
    if (this.#connection) {
      if (isDeepStrictEqual(this.#connection.parameters, parameters)) return this.#connection.done;
      throw new ProtocolError('MEDIA_REFUSED', 'the transport is connected with other parameters');
    }
    const done = this.#transport.connect({ dtlsParameters: parameters });
    this.#connection = { parameters, done };
    try {
      await done;
    } catch (error) {
      this.#connection = undefined;
      throw error;
    }
  }

  restartIce(): Promise<types.IceParameters> {
    return this.#transport.restartIce();
  }

  async produce(options: types.ProducerOptions): Promise<types.Producer> {
    return this.#keep(await this.#transport.produce(options));
  }

  async consume(options: types.ConsumerOptions): Promise<types.Consumer> {
    return this.#keep(await this.#transport.consume(options));
  }

  /** Closes an object that was created while the transport closed, which mediasoup fails to do. */
  #keep<T extends MediaObject>(object: T): T {
    if (this.closed) object.close();
    return object;
  }

  /** Combines ICE and DTLS into one state. A peer that has closed DTLS will not return over this transport. */
  #look(): void {
    const { iceState, dtlsState } = this.#transport;
    const failed = dtlsState === 'failed' || dtlsState === 'closed';
    const there = (iceState === 'connected' || iceState === 'completed') && dtlsState === 'connected';
    const state = failed ? 'failed' : iceState === 'disconnected' ? 'disconnected' : there ? 'connected' : undefined;
    if (state === undefined || state === this.#state) return;
    this.#state = state;
    this.#listener.changed(state);
    if (state !== 'connected') return;
    if (this.#hasEstimate) return this.#listener.ready();
    this.#estimate ??= setTimeout(() => {
      this.#hasEstimate = true;
      if (this.isReady) this.#listener.ready();
    }, ESTIMATE_MS);
  }
}

import { Device, type types } from 'mediasoup-client';
import type { IceServer, MediaPlace } from '../../protocol/frames.ts';
import type { StreamId } from '../../protocol/ids.ts';
import { randomText } from '../../protocol/ids.ts';
import type { Method, Params, Result } from '../../protocol/methods.ts';
import type { MediaKind, StreamInfo } from '../../protocol/model.ts';
import { MediaPath } from './media-path.ts';

export type Request = <M extends Method>(method: M, data: Params<M>) => Promise<Result<M>>;

export interface OutgoingTrack {
  readonly kind: MediaKind;
  readonly track: MediaStreamTrack;
  readonly active: boolean;
}

export interface Outgoing {
  readonly stream: StreamInfo;
  readonly producers: ReadonlyMap<MediaKind, types.Producer>;
}

export interface Incoming {
  readonly stream: StreamInfo;
  readonly consumers: readonly types.Consumer[];
}

export type PublishDetail = Omit<Params<'publish'>, 'transport' | 'producers'>;

/**
 * Three layers for a camera, one for a narrow one: below 480 pixels a quarter of it is of no use. Bit rates per second.
 */
function videoEncodings(track: MediaStreamTrack): types.RtpEncodingParameters[] {
  const { width = 640 } = track.getSettings();
  if (width < 480) return [{ maxBitrate: 500_000 }];
  return [
    { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
    { scaleResolutionDownBy: 2, maxBitrate: 500_000 },
    { scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
  ];
}

/** kbit/s: where bandwidth estimation starts, so that the first frame is as sharp as the later ones. */
const START_BITRATE = 1_000;

/** One Device serves every node of a cluster, as all offer the same codecs in the same order. */
let sharedDevice: { readonly device: Device; readonly capabilities: string } | undefined;

async function deviceFor(rtpCapabilities: types.RtpCapabilities): Promise<Device> {
  const capabilities = JSON.stringify(rtpCapabilities);
  if (sharedDevice?.capabilities === capabilities) return sharedDevice.device;
  const device = new Device();
  await device.load({ routerRtpCapabilities: rtpCapabilities });
  sharedDevice = { device, capabilities };
  return device;
}

/**
 * The media of one life of a session: a transport each way to the media node, made when first needed. After a crash
 * there are two planes for a while, the old one showing what still flows and the new one taking over.
 *
 * Answers of the server are not waited for where the order of requests is enough: a transport's connect and the
 * producers of a stream travel right behind each other, and the consumers' resume behind the subscribe.
 */
export class MediaPlane {
  readonly #request: Request;
  readonly #place: MediaPlace;
  readonly #iceServers: readonly IceServer[];
  /** The media path of a transport broke and is not mended soon, or could not be made: `cause` says how. */
  readonly #broken: (cause: string) => void;
  #device: Promise<Device> | undefined;
  #send: Promise<types.Transport> | undefined;
  #recv: Promise<types.Transport> | undefined;
  readonly #open = new Map<string, { readonly transport: types.Transport; readonly path: MediaPath }>();
  /** The last of the subscriptions to each stream: the next one waits for it. */
  readonly #subscribing = new Map<StreamId, Promise<unknown>>();
  /** `superseded`: what is there goes on, and nothing is made any more. */
  #state: 'current' | 'superseded' | 'closed' = 'current';

  constructor(request: Request, place: MediaPlace, iceServers: readonly IceServer[], broken: (cause: string) => void) {
    this.#request = request;
    this.#place = place;
    this.#iceServers = iceServers;
    this.#broken = broken;
  }

  /** Publishes tracks as one stream. @throws {ProtocolError} the server's refusal */
  async publish(tracks: readonly OutgoingTrack[], detail: PublishDetail): Promise<Outgoing> {
    const transport = await this.#sendTransport();
    const producers = new Map<MediaKind, types.Producer>();
    try {
      const made = await Promise.all(tracks.map((outgoing) => this.#produce(transport, outgoing)));
      for (const producer of made) producers.set(producer.kind, producer);
      const { stream } = await this.#request('publish', {
        ...detail,
        transport: keyOf(transport),
        producers: made.map(({ kind, rtpParameters, paused }) => ({ kind, rtpParameters, active: !paused })),
      });
      return { stream, producers };
    } catch (error) {
      for (const producer of producers.values()) producer.close();
      throw error;
    }
  }

  /**
   * Receives a stream. One after the other for each stream: two at once would get the same consumers.
   * @param wanted asked when it is its turn: `false`, and there is nothing to receive
   * @throws {ProtocolError} the server's refusal
   */
  subscribe(streamId: StreamId, wanted: () => boolean): Promise<Incoming | undefined> {
    return this.#inTurn(streamId, async () => (wanted() ? this.#subscribe(streamId) : undefined));
  }

  /** Ends the receiving of a stream, at the server. */
  unsubscribe(streamId: StreamId): Promise<unknown> {
    return this.#inTurn(streamId, () => this.#request('unsubscribe', { streamId }));
  }

  #inTurn<T>(streamId: StreamId, work: () => Promise<T>): Promise<T> {
    const before = this.#subscribing.get(streamId) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#subscribing.set(streamId, turn);
    return turn;
  }

  async #subscribe(streamId: StreamId): Promise<Incoming> {
    const transport = await this.#recvTransport();
    const { stream, consumers } = await this.#request('subscribe', { streamId, transport: keyOf(transport) });
    const made = await Promise.all(
      consumers.map((consumer) => transport.consume({ ...consumer, streamId, appData: { streamId } })),
    );
    await this.#request('resumeConsumers', { streamId });
    return { stream, consumers: made };
  }

  /** Of the place that it leads to. */
  get id(): string {
    return this.#place.id;
  }

  get sendPeerConnection(): RTCPeerConnection | undefined {
    return this.#peerConnection('send');
  }

  get recvPeerConnection(): RTCPeerConnection | undefined {
    return this.#peerConnection('recv');
  }

  /** Another plane goes on from this one. */
  supersede(): void {
    this.#state = 'superseded';
    for (const { path } of this.#open.values()) path.close();
  }

  /** Looks after the paths of the transports: see {@link MediaPath.check}. */
  check(sure: boolean): void {
    for (const { path } of this.#open.values()) path.check(sure);
  }

  close(): void {
    this.#state = 'closed';
    for (const { transport, path } of this.#open.values()) {
      path.close();
      transport.close();
    }
    this.#open.clear();
  }

  #peerConnection(direction: 'send' | 'recv'): RTCPeerConnection | undefined {
    for (const { transport } of this.#open.values()) {
      if (transport.direction === direction) return (transport.handler as unknown as { pc?: RTCPeerConnection }).pc;
    }
    return undefined;
  }

  /** Not before it is needed: a client that only chats needs no WebRTC. */
  #loadDevice(): Promise<Device> {
    this.#device ??= deviceFor(this.#place.rtpCapabilities);
    return this.#device;
  }

  #sendTransport(): Promise<types.Transport> {
    this.#send ??= this.#make('send').catch((error: unknown) => {
      this.#send = undefined;
      throw error;
    });
    return this.#send;
  }

  #recvTransport(): Promise<types.Transport> {
    this.#recv ??= this.#make('recv').catch((error: unknown) => {
      this.#recv = undefined;
      throw error;
    });
    return this.#recv;
  }

  async #make(direction: 'send' | 'recv'): Promise<types.Transport> {
    const key = `${direction}-${randomText(8)}`;
    const device = await this.#loadDevice();
    const info = await this.#request('createTransport', {
      key,
      direction,
      ...(direction === 'recv' ? { rtpCapabilities: device.recvRtpCapabilities } : {}),
    });
    const options: types.TransportOptions = {
      ...info,
      appData: { key },
      iceServers: this.#iceServers as RTCIceServer[],
    };
    const transport = direction === 'send' ? device.createSendTransport(options) : device.createRecvTransport(options);
    if (this.#state !== 'current') {
      // The answer may be one of the place where the media is now, and this plane leads to another.
      transport.close();
      throw new Error('The media of this life of the session has ended.');
    }
    const path = new MediaPath({
      restart: () => this.#restartIce(transport),
      broken: (cause) => this.#fail(cause),
    });
    this.#open.set(key, { transport, path });
    transport.on('connect', ({ dtlsParameters }, done) => {
      // The request is on its way before anything that needs it; its answer says nothing that has to be waited for.
      this.#request('connectTransport', { key, dtlsParameters }).catch((error: unknown) => this.#fail(String(error)));
      done();
    });
    // Producers are announced together, by `publish`, under names of the client's choice.
    transport.on('produce', (_parameters, done) => done({ id: randomText(12) }));
    transport.on('connectionstatechange', (state) => path.become(state));
    return transport;
  }

  #produce(transport: types.Transport, { kind, track, active }: OutgoingTrack): Promise<types.Producer> {
    return transport
      .produce({
        track,
        // The track is the application's: it outlives every transport.
        stopTracks: false,
        disableTrackOnPause: false,
        zeroRtpOnPause: true,
        ...(kind === 'video'
          ? { encodings: videoEncodings(track), codecOptions: { videoGoogleStartBitrate: START_BITRATE } }
          : { codecOptions: { opusStereo: false, opusDtx: true } }),
      })
      .then((producer) => {
        if (!active) producer.pause();
        return producer;
      });
  }

  /** The same transport, over another path. */
  async #restartIce(transport: types.Transport): Promise<void> {
    const { iceParameters } = await this.#request('restartIce', { key: keyOf(transport) });
    if (!transport.closed) await transport.restartIce({ iceParameters });
  }

  #fail(cause: string): void {
    if (this.#state === 'current') this.#broken(cause);
  }
}

/** What the rest of the SDK sees of a plane. */
export type Plane = Pick<MediaPlane, keyof MediaPlane>;

function keyOf(transport: types.Transport): string {
  return String(transport.appData['key']);
}

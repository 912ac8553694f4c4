import { Device, type types } from 'mediasoup-client';
import { ProtocolError } from '../../protocol/errors.ts';
import type { MediaPlace } from '../../protocol/frames.ts';
import type { StreamId } from '../../protocol/ids.ts';
import { randomText } from '../../protocol/ids.ts';
import type { Method, Params, Result } from '../../protocol/methods.ts';
import type { MediaKind, MediaState, StreamInfo } from '../../protocol/model.ts';
import { Turns } from '../../protocol/turns.ts';
import { startBitrate, videoEncodings } from './encodings.ts';
import { insisting } from './insisting.ts';
import { MediaPath } from './media-path.ts';
import type { NetworkStats } from './network-quality.ts';
import { TransportStats } from './transport-stats.ts';

export type Request = <M extends Method>(method: M, data: Params<M>) => Promise<Result<M>>;

export interface OutgoingTrack {
  readonly kind: MediaKind;
  readonly track: MediaStreamTrack;
  readonly active: boolean;
  /** For video: whether it is sent in several qualities. */
  readonly isSimulcast: boolean;
}

export interface Outgoing {
  readonly stream: StreamInfo;
  readonly producers: ReadonlyMap<MediaKind, types.Producer>;
}

export interface Incoming {
  readonly stream: StreamInfo;
  readonly consumers: readonly types.Consumer[];
}

/** A media path is in trouble; another is looked for. */
export interface PathTrouble {
  /**
   * `ICE_CONNECTION_DISCONNECTED`: it has been silent for a while. `ICE_CONNECTION_FAILED`: no other has been found yet.
   * `ICE_CANDIDATE_ERROR`: a STUN or TURN server does not help to find one.
   */
  readonly name: 'ICE_CONNECTION_DISCONNECTED' | 'ICE_CONNECTION_FAILED' | 'ICE_CANDIDATE_ERROR';
  readonly direction: 'send' | 'recv';
  readonly cause: string;
}

export interface MediaPlaneOptions {
  readonly request: Request;
  /** Whether what the media node could not do, so many times, is asked again. */
  readonly asksAgain: (attempts: number) => boolean;
  readonly place: MediaPlace;
  /** The configuration of peer connections. */
  readonly rtc: RTCConfiguration;
  /** How long a path may be silent before that is told, ms. */
  readonly silenceMs: () => number;
  readonly troubled: (trouble: PathTrouble) => void;
  /** A transport is beyond repair: others are needed. Told at most once for each. */
  readonly lost: (cause: string) => void;
}

/** A transport that is open, and what is known of it. */
interface OpenTransport {
  readonly transport: types.Transport;
  readonly path: MediaPath;
  readonly stats: TransportStats;
}

export type PublishDetail = Omit<Params<'publish'>, 'transport' | 'producers'>;

/** How long a client that is asked whether its media flows looks, and how often in that time. */
const LOOK_MS = 600;
const LOOK_EVERY_MS = 100;

/**
 * A connection keeps a place in its description for all that it has carried at one time. The browser and the media node use these
 * again; a connection with more of them is replaced as soon as nothing is carried over it.
 */
const MOST_PARTS = 8;

/** A single Device serves every node of a cluster, because all offer the same codecs in the same order. */
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
  readonly #options: MediaPlaneOptions;
  /** Until another plane goes on from this one. */
  readonly #insist: Request;
  #device: Promise<Device> | undefined;
  #send: Promise<types.Transport> | undefined;
  #recv: Promise<types.Transport> | undefined;
  readonly #open = new Map<string, OpenTransport>();
  /** Subscriptions to each stream, and their ends. */
  readonly #subscribing = new Turns();
  /** The consumers of the receive transport, which may be shown. */
  readonly #received = new Set<types.Consumer>();
  /** The producers of the send transport. */
  readonly #sent = new Set<types.Producer>();
  #publishing = 0;
  /** `superseded`: what is there goes on, and nothing is made any more. */
  #state: 'current' | 'superseded' | 'closed' = 'current';

  constructor(options: MediaPlaneOptions) {
    this.#options = options;
    this.#insist = this.#insistWhile(() => true);
  }

  #insistWhile(isWanted: () => boolean): Request {
    const { request, asksAgain } = this.#options;
    return insisting(request, (attempts) => this.#state === 'current' && isWanted() && asksAgain(attempts));
  }

  /**
   * Publishes tracks as one stream.
   * @param isWanted `false`: what the media node cannot do at this moment is not asked again
   * @throws {ProtocolError} the server's refusal
   */
  async publish(
    tracks: readonly OutgoingTrack[],
    detail: PublishDetail,
    isWanted: () => boolean = () => true,
  ): Promise<Outgoing> {
    this.#publishing += 1;
    const made: types.Producer[] = [];
    try {
      const transport = await this.#sendTransport();
      made.push(...(await allOf(tracks.map((outgoing) => this.#produce(transport, outgoing)))));
      const { stream } = await this.#insistWhile(isWanted)('publish', {
        ...detail,
        transport: keyOf(transport),
        producers: made.map(({ kind, rtpParameters, paused }) => ({ kind, rtpParameters, active: !paused })),
      });
      return { stream, producers: new Map(made.map((producer) => [producer.kind, producer])) };
    } catch (error) {
      for (const producer of made) producer.close();
      // The server has given it up, as it does where a role no longer allows to send.
      if (error instanceof ProtocolError && error.code === 'TRANSPORT_UNKNOWN') this.stopSending();
      throw error;
    } finally {
      this.#publishing -= 1;
      this.#trim();
    }
  }

  /** Gives up what is sent over: the next `publish()` makes another transport. */
  stopSending(): void {
    this.#giveUp('send');
  }

  /**
   * Receives a stream. One after the other for each stream: two at once would get the same consumers.
   * @param wanted asked when it is its turn: `false`, and there is nothing to receive
   * @throws {ProtocolError} the server's refusal
   */
  subscribe(streamId: StreamId, wanted: () => boolean): Promise<Incoming | undefined> {
    return this.#inTurn(streamId, async () => (wanted() ? this.#subscribe(streamId) : undefined));
  }

  get isReceiving(): boolean {
    return this.#recv !== undefined;
  }

  /** Makes the transport for what will be received, so that the first stream that comes need not wait for it. */
  prepareToReceive(): void {
    // `subscribe()` tries again.
    this.#recvTransport().catch(() => {});
  }

  /** Which of its publisher's transports, by number, a stream is received from. */
  renewalOf(streamId: StreamId): number | undefined {
    const last = [...this.#received].findLast(({ appData }) => appData['streamId'] === streamId);
    return last?.appData['renewal'] as number | undefined;
  }

  /** Ends the receiving of a stream, at the server. */
  unsubscribe(streamId: StreamId): Promise<unknown> {
    return this.#inTurn(streamId, () => this.#unsubscribe(streamId));
  }

  #inTurn<T>(streamId: StreamId, work: () => Promise<T>): Promise<T> {
    return this.#subscribing.take(streamId, work).finally(() => this.#trim());
  }

  async #unsubscribe(streamId: StreamId): Promise<void> {
    // Where another plane goes on from this one, the word would be taken for that one's.
    if (this.#state === 'current') await this.#options.request('unsubscribe', { streamId });
  }

  async #subscribe(streamId: StreamId): Promise<Incoming> {
    const transport = await this.#recvTransport();
    const made: types.Consumer[] = [];
    try {
      const { stream, consumers } = await this.#insist('subscribe', { streamId, transport: keyOf(transport) });
      const appData = { streamId, renewal: stream.renewal ?? 0 };
      made.push(...(await allOf(consumers.map((one) => transport.consume({ ...one, streamId, appData })))));
      for (const consumer of made) this.#keep(consumer);
      await this.#insist('resumeConsumers', { streamId });
      return { stream, consumers: made };
    } catch (error) {
      for (const consumer of made) consumer.close();
      // It may have been done by half.
      await this.#unsubscribe(streamId).catch(() => {});
      throw error;
    }
  }

  #keep(consumer: types.Consumer): void {
    this.#received.add(consumer);
    consumer.observer.once('close', () => {
      this.#received.delete(consumer);
      if (this.#state === 'closed' && this.#received.size === 0) this.#closeTransports();
      this.#trim();
    });
  }

  /** A connection that carries nothing at this moment, and describes much that it has carried, makes room for a new one. */
  #trim(): void {
    if (this.#state !== 'current') return;
    this.#trimUnused('send', this.#sent.size + this.#publishing);
    this.#trimUnused('recv', this.#received.size + this.#subscribing.size);
  }

  #trimUnused(direction: 'send' | 'recv', uses: number): void {
    const parts = this.#peerConnection(direction)?.getTransceivers().length ?? 0;
    if (uses === 0 && parts >= MOST_PARTS) this.#giveUp(direction, true);
  }

  /** `andThere`: the server does not know of it yet. */
  #giveUp(direction: 'send' | 'recv', andThere = false): void {
    if (direction === 'send') this.#send = undefined;
    else this.#recv = undefined;
    for (const [key, { transport, path }] of this.#open) {
      if (transport.direction !== direction) continue;
      this.#open.delete(key);
      if (andThere) this.#closeThere(key);
      path.close();
      transport.close();
    }
  }

  #closeThere(key: string): void {
    this.#options.request('closeTransport', { key }).catch(() => {});
  }

  /** Where it leads to. */
  get place(): MediaPlace {
    return this.#options.place;
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

  /** How the network does for each transport that has, or had, a path. */
  measure(): Promise<NetworkStats[]> {
    const known = [...this.#open.values()].filter(({ path }) => path.health !== 'unknown');
    return Promise.all(
      known.map(async ({ transport, path, stats }) => stats.read(path.health === 'well', await transport.getStats())),
    );
  }

  /** Whether anything arrives from the media node: media, or answers to what is sent. */
  async look(): Promise<MediaState> {
    const before = await this.#arrived();
    if (!before) return 'unknown';
    const until = performance.now() + LOOK_MS;
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      if ((await this.#arrived()) > before) return 'flows';
    }
    return 'silent';
  }

  async #arrived(): Promise<number> {
    let sum = 0;
    for (const { transport } of this.#open.values()) {
      (await transport.getStats()).forEach(({ type, bytesReceived, responsesReceived }) => {
        if (type === 'candidate-pair') sum += (bytesReceived ?? 0) + (responsesReceived ?? 0);
      });
    }
    return sum;
  }

  /**
   * Sends nothing any more. What it has received stays until somebody closes it: a last picture is shown until there is
   * another. `andThere`: the media node lives, and is to give the transports up as well.
   */
  close(andThere = false): void {
    this.#state = 'closed';
    for (const [key, { path }] of this.#open) {
      if (andThere) this.#closeThere(key);
      path.close();
    }
    this.#closeTransports();
  }

  #closeTransports(): void {
    for (const [key, { transport }] of this.#open) {
      if (transport.direction === 'recv' && this.#received.size > 0) continue;
      this.#open.delete(key);
      transport.close();
    }
  }

  #peerConnection(direction: 'send' | 'recv'): RTCPeerConnection | undefined {
    for (const { transport } of this.#open.values()) {
      // Every handler of mediasoup-client keeps it there, and none has another way to it.
      if (transport.direction === direction) return (transport.handler as unknown as { _pc?: RTCPeerConnection })._pc;
    }
    return undefined;
  }

  /** Not before it is needed: a client that only chats needs no WebRTC. */
  #loadDevice(): Promise<Device> {
    this.#device ??= deviceFor(this.#options.place.rtpCapabilities);
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
    const info = await this.#insist('createTransport', {
      key,
      direction,
      ...(direction === 'recv' ? { rtpCapabilities: device.recvRtpCapabilities } : {}),
    });
    const { iceServers = [], iceTransportPolicy, ...additionalSettings } = this.#options.rtc;
    const options: types.TransportOptions = {
      ...info,
      appData: { key },
      iceServers,
      ...(iceTransportPolicy ? { iceTransportPolicy } : {}),
      additionalSettings,
    };
    const transport = direction === 'send' ? device.createSendTransport(options) : device.createRecvTransport(options);
    if (this.#state !== 'current') {
      // The answer may be one of the place where the media is now, and this plane leads to another.
      transport.close();
      this.#closeThere(key);
      throw new Error('The media of this life of the session has ended.');
    }
    const tell = (name: PathTrouble['name'], cause: string): void => {
      if (this.#state === 'current') this.#options.troubled({ name, direction, cause });
    };
    const path = new MediaPath({
      restart: () => this.#restartIce(transport),
      broken: (cause) => tell('ICE_CONNECTION_FAILED', cause),
      hopeless: (cause) => {
        if (this.#state === 'current') this.#options.lost(cause);
      },
      hasPath: () => ['connected', 'completed'].includes(String(this.#peerConnection(direction)?.iceConnectionState)),
      silent: () => tell('ICE_CONNECTION_DISCONNECTED', 'nothing arrives any more'),
      silenceMs: this.#options.silenceMs,
    });
    this.#open.set(key, { transport, path, stats: new TransportStats() });
    transport.on('connect', ({ dtlsParameters }, done) => {
      // The request is on its way before anything that needs it; its answer says nothing that has to be waited for.
      this.#insist('connectTransport', { key, dtlsParameters }).catch((error: unknown) =>
        tell('ICE_CONNECTION_FAILED', String(error)),
      );
      done();
    });
    let isCandidateTold = false;
    transport.on('icecandidateerror', ({ url, errorText }) => {
      // Most are of ways that are not needed.
      if (isCandidateTold || path.health === 'well') return;
      isCandidateTold = true;
      tell('ICE_CANDIDATE_ERROR', `${url}: ${errorText}`);
    });
    // Producers are announced together, by `publish`, under names of the client's choice.
    transport.on('produce', (_parameters, done) => done({ id: randomText(12) }));
    transport.on('connectionstatechange', (state) => path.become(state));
    return transport;
  }

  #produce(transport: types.Transport, { kind, track, active, isSimulcast }: OutgoingTrack): Promise<types.Producer> {
    return transport
      .produce({
        track,
        // The track is the application's: it outlives every transport.
        stopTracks: false,
        disableTrackOnPause: false,
        zeroRtpOnPause: true,
        ...(kind === 'video'
          ? {
              encodings: videoEncodings(track, isSimulcast),
              codecOptions: { videoGoogleStartBitrate: startBitrate(track) },
            }
          : { codecOptions: { opusStereo: false, opusDtx: true } }),
      })
      .then((producer) => {
        if (!active) producer.pause();
        this.#sent.add(producer);
        producer.observer.once('close', () => {
          this.#sent.delete(producer);
          this.#trim();
        });
        return producer;
      });
  }

  /** The same transport, over another path. */
  async #restartIce(transport: types.Transport): Promise<void> {
    const { iceParameters } = await this.#options.request('restartIce', { key: keyOf(transport) });
    if (!transport.closed) await transport.restartIce({ iceParameters });
  }
}

/** The interface of a plane to the rest of the SDK. */
export type Plane = Pick<MediaPlane, keyof MediaPlane>;

/** All of them, or none: where one fails, those that have come to something are closed. */
async function allOf<T extends { close(): void }>(making: readonly Promise<T>[]): Promise<T[]> {
  try {
    return await Promise.all(making);
  } catch (error) {
    for (const one of await Promise.allSettled(making)) if (one.status === 'fulfilled') one.value.close();
    throw error;
  }
}

function keyOf(transport: types.Transport): string {
  return String(transport.appData['key']);
}

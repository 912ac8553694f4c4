import type { types } from 'mediasoup';
import { ProtocolError } from '../../protocol/errors.ts';
import { type Epoch, randomText, type SessionId, type UniqueSessionId } from '../../protocol/ids.ts';
import type { ConsumerInfo, TransportInfo } from '../../protocol/methods.ts';
import type { InstanceId } from '../shared/identity.ts';
import type { ConsumerData, Fence, Inventory, MediaCommands, MediaNews, ProducerData, TransportData } from './api.ts';
import { hurryToFullRate } from './full-rate.ts';
import { type Held, Keyed } from './keyed.ts';
import type { MediaWorker } from './media-worker.ts';
import { MediaProducer } from './producer.ts';
import { MediaTransport } from './transport.ts';
import { answered } from './worker-call.ts';

type Params<C extends keyof MediaCommands> = MediaCommands[C]['params'];

/**
 * Browsers ignore a request for a key frame within 300 ms of another. By default mediasoup repeats an unanswered request only after
 * a second. With this minimum distance, a second viewer's request is sent as soon as it can succeed.
 */
const KEY_FRAME_MS = 310;

/** Sends news to every master that listens to this node. */
export type TellNews = <N extends keyof MediaNews>(news: N, data: MediaNews[N]) => void;

export type RoomWorker = Pick<MediaWorker, 'pid' | 'webRtcServer' | 'createRouter'>;

/** The data of a consumer, with the keys of its producer and its transport. */
type HeldConsumer = ConsumerData & { readonly producer: string; readonly transport: string };

export interface RoomOptions {
  readonly fence: Fence;
  readonly worker: RoomWorker;
  /** Time limit of a worker for one command, ms. */
  readonly commandMs: number;
  readonly tell: TellNews;
  /** Called when the room's worker has died, or the room could not be created. */
  readonly lost: (room: Room) => void;
}

/**
 * The media of one life of a session: a router, and the objects that its master has created, by the master's keys. Commands that create can
 * be repeated and give the same answer. Commands that close ignore unknown keys.
 */
export class Room {
  readonly sessionId: SessionId;
  readonly uniqueSessionId: UniqueSessionId;
  /** Unique to this room. If the room is lost and opened again for the same session, the new one has another id. */
  readonly roomId = randomText(12);
  readonly #router: Promise<types.Router>;
  readonly #worker: RoomWorker;
  readonly #commandMs: number;
  readonly #tell: TellNews;
  readonly #transports = new Keyed<MediaTransport, TransportData>();
  readonly #producers = new Keyed<MediaProducer, ProducerData>();
  readonly #consumers = new Keyed<types.Consumer, HeldConsumer>();
  readonly #hurried = new WeakSet<types.Consumer>();
  #epoch: Epoch;
  #owner: InstanceId;
  #closed = false;

  constructor({ fence, worker, commandMs, tell, lost }: RoomOptions) {
    this.sessionId = fence.sessionId;
    this.uniqueSessionId = fence.uniqueSessionId;
    this.#epoch = fence.epoch;
    this.#owner = fence.owner;
    this.#worker = worker;
    this.#commandMs = commandMs;
    this.#tell = tell;
    this.#router = worker.createRouter();
    this.#router.then(
      (router) => {
        if (this.#closed) return router.close();
        router.once('workerclose', () => lost(this));
        return undefined;
      },
      () => lost(this),
    );
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  get owner(): InstanceId {
    return this.#owner;
  }

  get size(): { readonly transports: number; readonly producers: number; readonly consumers: number } {
    return { transports: this.#transports.size, producers: this.#producers.size, consumers: this.#consumers.size };
  }

  /** Gives the room another owner. */
  claim({ epoch, owner }: Fence): void {
    this.#epoch = epoch;
    this.#owner = owner;
    for (const objects of [this.#transports, this.#producers, this.#consumers]) objects.numberAnew();
  }

  async rtpCapabilities(): Promise<types.RtpCapabilities> {
    return (await this.#ask(this.#router)).rtpCapabilities;
  }

  /**
   * Waits for objects that are being created. It thus includes the results of all commands that a former owner sent before the claim; no
   * others can follow.
   */
  async inventory(): Promise<Inventory> {
    const rtpCapabilities = await this.rtpCapabilities();
    const all = Promise.all([this.#transports.all(), this.#producers.all(), this.#consumers.all()]);
    const [transports, producers, consumers] = await this.#ask(all);
    return {
      rtpCapabilities,
      transports: transports.map(({ key, appData }) => ({ key, appData })),
      producers: producers.map(({ key, object: { kind, paused }, appData }) => ({ key, kind, paused, appData })),
      consumers: consumers.map(({ key, appData: { producer, transport: _, ...appData } }) => ({
        key,
        producer,
        appData,
      })),
    };
  }

  async createTransport({ key, appData, order }: Params<'createTransport'>): Promise<TransportInfo> {
    const create = async (): Promise<MediaTransport> =>
      MediaTransport.create(await this.#router, this.#worker.webRtcServer, {
        changed: (state) => {
          const { connectionId } = appData;
          this.#tell('transportState', { uniqueSessionId: this.uniqueSessionId, key, connectionId, state });
        },
        ready: () => void this.#viewersReady(key),
      });
    const { object } = await this.#ask(this.#transports.make(key, appData, create, order));
    return object.info;
  }

  async connectTransport({ key, dtlsParameters }: Params<'connectTransport'>): Promise<Record<string, never>> {
    const { object } = await this.#transport(key);
    await this.#ask(object.connect(dtlsParameters));
    return {};
  }

  async restartIce({ key }: Params<'restartIce'>): Promise<{ iceParameters: types.IceParameters }> {
    const { object } = await this.#transport(key);
    return { iceParameters: await this.#ask(object.restartIce()) };
  }

  closeTransport({ key, order }: Params<'closeTransport'>): Record<string, never> {
    this.#transports.close(key, order);
    return {};
  }

  async produce(params: Params<'produce'>): Promise<Record<string, never>> {
    const { key, transport, kind, rtpParameters, paused, appData, order } = params;
    // mediasoup would accept audio codecs for a video producer.
    if (!rtpParameters.codecs.every(({ mimeType }) => mimeType.toLowerCase().startsWith(`${kind}/`))) {
      throw new ProtocolError('MEDIA_REFUSED', `codecs that are not ${kind}`);
    }
    const create = async (): Promise<MediaProducer> =>
      MediaProducer.create((await this.#transport(transport)).object, {
        kind,
        rtpParameters,
        paused,
        keyFrameRequestDelay: KEY_FRAME_MS,
      });
    await this.#ask(this.#producers.make(key, appData, create, order));
    return {};
  }

  async setProducerPaused({ key, paused, order }: Params<'setProducerPaused'>): Promise<Record<string, never>> {
    const { object, appData } = await this.#producer(key);
    if (order !== undefined && !object.isInOrder(this.#epoch, order)) return {};
    await this.#ask(paused ? object.pause() : object.resume());
    const active = object.kind === 'audio' ? { audioActive: !paused } : { videoActive: !paused };
    // Each producer of the stream holds a description of it.
    for (const part of await this.#ask(this.#producers.all())) {
      const { stream } = part.appData;
      if (stream.streamId === appData.stream.streamId)
        part.appData = { ...part.appData, stream: { ...stream, ...active } };
    }
    return {};
  }

  async setProducerLayers({ key, layers }: Params<'setProducerLayers'>): Promise<Record<string, never>> {
    const { object } = await this.#producer(key);
    object.sentLayers = layers;
    const consumers = await this.#ask(this.#consumers.all());
    const viewers = consumers.filter(({ appData }) => appData.producer === key).map((viewer) => viewer.object);
    // A viewer that closes meanwhile needs no layers, so its failure is ignored.
    await this.#ask(Promise.allSettled(viewers.map((viewer) => prefer(viewer, object.topLayer))));
    return {};
  }

  closeProducer({ key, order }: Params<'closeProducer'>): Record<string, never> {
    this.#producers.close(key, order);
    return {};
  }

  async consume(params: Params<'consume'>): Promise<ConsumerInfo> {
    const { key, transport, producer, rtpCapabilities, appData, order } = params;
    const create = async (): Promise<types.Consumer> => {
      const [{ object: source }, { object: over }] = [await this.#producer(producer), await this.#transport(transport)];
      const router = await this.#router;
      if (!router.canConsume({ producerId: source.id, rtpCapabilities })) {
        throw new ProtocolError('MEDIA_REFUSED', `the receiver has no codec for ${producer}`);
      }
      // Video starts paused, because a receiver that isn't ready would miss the key frame.
      const consumer = await over.consume({ producerId: source.id, rtpCapabilities, paused: source.kind === 'video' });
      // The worker's own close event comes later, and the consumer would be without a producer until then.
      const end = (): void => consumer.close();
      if (source.closed) end();
      source.expect(key);
      consumer.observer.once('close', () => source.leave(key));
      await prefer(consumer, source.topLayer);
      source.observer.once('close', end);
      consumer.observer.once('close', () => source.observer.off('close', end));
      return consumer;
    };
    const made = await this.#ask(this.#consumers.make(key, { ...appData, producer, transport }, create, order));
    const { id, producerId, kind, rtpParameters } = made.object;
    // The two types differ only in `undefined`, which JSON omits.
    return { id, producerId, kind, rtpParameters: rtpParameters as ConsumerInfo['rtpParameters'] };
  }

  async resumeConsumer({ key }: Params<'resumeConsumer'>): Promise<Record<string, never>> {
    const consumer = this.#consumers.get(key);
    if (!consumer) throw new ProtocolError('STREAM_UNKNOWN', `no consumer ${key}`);
    const { object, appData } = await this.#ask(consumer);
    await this.#ask(object.resume());
    await this.#viewersReady(appData.transport);
    return {};
  }

  closeConsumer({ key, order }: Params<'closeConsumer'>): Record<string, never> {
    this.#consumers.close(key, order);
    return {};
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Clear the maps before closing the router, so that objects still being created close themselves.
    for (const objects of [this.#transports, this.#producers, this.#consumers]) objects.clear();
    this.#router.then(
      (router) => router.close(),
      () => {},
    );
  }

  /** Tells producers that resumed consumers over this transport can get media, if the transport is ready. */
  async #viewersReady(transport: string): Promise<void> {
    const over = await this.#transports.get(transport)?.catch(() => undefined);
    if (!over?.object.isReady) return;
    for (const { key, object, appData } of await this.#consumers.all()) {
      if (appData.transport !== transport || object.paused) continue;
      const producer = await this.#producers.get(appData.producer)?.catch(() => undefined);
      producer?.object.ready(key);
      if (!this.#hurried.has(object)) hurryToFullRate(object);
      this.#hurried.add(object);
    }
  }

  #transport(key: string): Promise<Held<MediaTransport, TransportData>> {
    const transport = this.#transports.get(key);
    if (!transport) throw new ProtocolError('TRANSPORT_UNKNOWN', key);
    return this.#ask(transport);
  }

  #producer(key: string): Promise<Held<MediaProducer, ProducerData>> {
    const producer = this.#producers.get(key);
    if (!producer) throw new ProtocolError('STREAM_UNKNOWN', `no producer ${key}`);
    return this.#ask(producer);
  }

  async #ask<T>(call: Promise<T>): Promise<T> {
    try {
      return await answered(call, this.#commandMs);
    } catch (error) {
      if (this.#closed) throw new ProtocolError('SESSION_UNKNOWN', `${this.uniqueSessionId} has ended at this node`);
      throw error;
    }
  }
}

/** Prefers a layer, from 0 for the smallest. Only simulcast consumers have layers. */
async function prefer(consumer: types.Consumer, spatialLayer: number): Promise<void> {
  if (consumer.type !== 'simulcast' || consumer.preferredLayers?.spatialLayer === spatialLayer) return;
  await consumer.setPreferredLayers({ spatialLayer });
}

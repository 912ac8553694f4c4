import type { types } from 'mediasoup';
import type { Epoch } from '../../protocol/ids.ts';
import type { MediaObject } from './keyed.ts';

/** ms. The layers of a video arrive within a frame of each other; a later one isn't being sent. */
const LAYERS_MS = 150;

/** ms. The viewers of a video that has just moved arrive at about the same time: the first waits this long for the others. */
const VIEWERS_MS = 100;

/**
 * A producer that starts when all viewers profit from its first key frame. A viewer starts with the best layer that has arrived, and takes
 * a second or two to get a better one. So a simulcast video starts only when all its layers have arrived and there are viewers.
 *
 * mediasoup requests a key frame at the start, and browsers send no other for 300 ms. A key frame before the last viewer is ready would
 * make that viewer wait.
 */
export class MediaProducer implements MediaObject {
  readonly #producer: types.Producer;
  readonly #layers: number;
  #wished: 'playing' | 'paused';
  #last = { epoch: 0 as Epoch, order: 0 };
  #beginning: 'waiting' | 'begun';
  /** How many of its possible layers the client sends now, as it reports. */
  sentLayers: number;
  #layersWait: NodeJS.Timeout | undefined;
  #viewersWait: NodeJS.Timeout | undefined;
  #hasLayers = false;
  /** Viewers by their keys, and whether their media can flow yet. */
  readonly #viewers = new Map<string, 'made' | 'ready'>();

  static async create(
    transport: { produce(options: types.ProducerOptions): Promise<types.Producer> },
    options: types.ProducerOptions,
  ): Promise<MediaProducer> {
    const layers = options.kind === 'video' ? (options.rtpParameters.encodings?.length ?? 1) : 1;
    const paused = options.paused ?? false;
    const producer = await transport.produce({ ...options, paused: paused || layers > 1 });
    return new MediaProducer(producer, layers, paused);
  }

  private constructor(producer: types.Producer, layers: number, paused: boolean) {
    this.#producer = producer;
    this.#layers = layers;
    this.sentLayers = layers;
    this.#wished = paused ? 'paused' : 'playing';
    this.#beginning = layers > 1 ? 'waiting' : 'begun';
    producer.observer.once('close', () => this.#stopWaiting());
    if (layers === 1) return;
    // mediasoup emits a score for each layer as it arrives, except for layers that arrived with the producer.
    producer.on('score', this.#onScore);
    producer.getStats().then(
      ({ length }) => this.#come(length),
      () => {},
    );
  }

  get id(): string {
    return this.#producer.id;
  }

  get kind(): types.MediaKind {
    return this.#producer.kind;
  }

  /** Whether a command is newer than those carried out before. Each owner numbers its commands from 1. */
  isInOrder(epoch: Epoch, order: number): boolean {
    const { epoch: lastEpoch, order: last } = this.#last;
    if (epoch < lastEpoch || (epoch === lastEpoch && order <= last)) return false;
    this.#last = { epoch, order };
    return true;
  }

  /** Whether the client has muted it. */
  get paused(): boolean {
    return this.#wished === 'paused';
  }

  /** Index of the largest layer that is sent, from 0. */
  get topLayer(): number {
    return Math.min(this.sentLayers, this.#layers) - 1;
  }

  get closed(): boolean {
    return this.#producer.closed;
  }

  get observer(): types.ProducerObserver {
    return this.#producer.observer;
  }

  async pause(): Promise<void> {
    this.#wished = 'paused';
    await this.#producer.pause();
  }

  async resume(): Promise<void> {
    this.#wished = 'playing';
    if (this.#beginning === 'begun') await this.#producer.resume();
  }

  close(): void {
    this.#producer.close();
  }

  /** A viewer has been created, but its media cannot flow yet. */
  expect(viewer: string): void {
    if (this.#beginning === 'waiting') this.#viewers.set(viewer, 'made');
  }

  /** The viewer's media can flow now. */
  ready(viewer: string): void {
    if (this.#beginning === 'begun') return;
    this.#viewers.set(viewer, 'ready');
    this.#viewersWait ??= setTimeout(() => this.#beginIfReady('late'), VIEWERS_MS);
    this.#beginIfReady('early');
  }

  /** The viewer has ended. */
  leave(viewer: string): void {
    this.#viewers.delete(viewer);
    this.#beginIfReady('early');
  }

  readonly #onScore = ({ length }: readonly types.ProducerScore[]): void => this.#come(length);

  #come(layers: number): void {
    if (layers >= this.#layers) this.#layersAreThere();
    else if (layers > 0) this.#layersWait ??= setTimeout(() => this.#layersAreThere(), LAYERS_MS);
  }

  #layersAreThere(): void {
    this.#hasLayers = true;
    this.#beginIfReady('early');
  }

  /** `late`: stop waiting for viewers that are not ready. */
  #beginIfReady(when: 'early' | 'late'): void {
    if (when === 'late') {
      for (const [viewer, state] of this.#viewers) if (state === 'made') this.#viewers.delete(viewer);
    }
    const states = [...this.#viewers.values()];
    if (this.#beginning === 'begun' || !this.#hasLayers || states.length === 0 || states.includes('made')) return;
    this.#stopWaiting();
    this.#viewers.clear();
    this.#producer.off('score', this.#onScore);
    this.#beginning = 'begun';
    // The worker may have died, which is reported separately.
    if (this.#wished === 'playing') this.#producer.resume().catch(() => {});
  }

  #stopWaiting(): void {
    clearTimeout(this.#layersWait);
    clearTimeout(this.#viewersWait);
  }
}

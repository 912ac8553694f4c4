import type { types } from 'mediasoup';
import type { Epoch } from '../../protocol/ids.ts';
import type { MediaObject } from './keyed.ts';

/** ms. The layers of a video come within a frame of each other: one that is later than this is not being sent. */
const LAYERS_MS = 150;

/** ms. Viewers of a video that has just moved come at about the same time: the first one waits so long for the others. */
const VIEWERS_MS = 100;

/**
 * What a client sends, at this end. A video of several layers begins when all of them have come, as a viewer begins with the
 * best layer that is there and does not get to the next for a second or two; and when there are viewers. A key frame is asked
 * for as it begins, and browsers give no other for 300 ms: one that comes too early, or for the first of several viewers,
 * makes the others wait.
 */
export class MediaProducer implements MediaObject {
  readonly #producer: types.Producer;
  readonly #layers: number;
  #wished: 'playing' | 'paused';
  #last = { epoch: 0 as Epoch, order: 0 };
  #beginning: 'waiting' | 'begun';
  /** As its client says: of those that it can send, so many are sent now. */
  sentLayers: number;
  #layersWait: NodeJS.Timeout | undefined;
  #viewersWait: NodeJS.Timeout | undefined;
  #hasLayers = false;
  /** By their keys, those that have been made, and whether their media can come. */
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
    // mediasoup tells of each layer that comes, as soon as it comes, but for those that came with the producer.
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

  /** Whether a command comes after those that have been carried out: an owner numbers its own from 1. */
  isInOrder(epoch: Epoch, order: number): boolean {
    const { epoch: lastEpoch, order: last } = this.#last;
    if (epoch < lastEpoch || (epoch === lastEpoch && order <= last)) return false;
    this.#last = { epoch, order };
    return true;
  }

  /** Whether its client has muted it. */
  get paused(): boolean {
    return this.#wished === 'paused';
  }

  /** The number of the largest layer that is sent, from 0. */
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

  /** A viewer has been made; its media cannot come yet. */
  expect(viewer: string): void {
    if (this.#beginning === 'waiting') this.#viewers.set(viewer, 'made');
  }

  /** Its media can come. */
  ready(viewer: string): void {
    if (this.#beginning === 'begun') return;
    this.#viewers.set(viewer, 'ready');
    this.#viewersWait ??= setTimeout(() => this.#beginIfReady('late'), VIEWERS_MS);
    this.#beginIfReady('early');
  }

  /** It has ended. */
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

  /** `late`: no viewer is waited for any more. */
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
    // Its worker may have died: that is told in another way.
    if (this.#wished === 'playing') this.#producer.resume().catch(() => {});
  }

  #stopWaiting(): void {
    clearTimeout(this.#layersWait);
    clearTimeout(this.#viewersWait);
  }
}

import type { types } from 'mediasoup';
import type { MediaObject } from './keyed.ts';

/** ms. The layers of a video come within a frame of each other: one that is later than this is not being sent. */
const LAYERS_MS = 150;

/**
 * What a client sends, at this end. A video of several layers begins when all of them have come: a viewer begins with the
 * best layer that is there, and does not get from one to the next for a second or two.
 */
export class MediaProducer implements MediaObject {
  readonly #producer: types.Producer;
  readonly #layers: number;
  #wished: 'playing' | 'paused';
  #beginning: 'waiting' | 'begun';
  /** As its client says: of those that it can send, so many are sent now. */
  sentLayers: number;
  #timer: NodeJS.Timeout | undefined;

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
    producer.observer.once('close', () => clearTimeout(this.#timer));
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

  readonly #onScore = ({ length }: readonly types.ProducerScore[]): void => this.#come(length);

  #come(layers: number): void {
    if (this.#beginning === 'begun') return;
    if (layers >= this.#layers) return this.#begin();
    if (layers > 0) this.#timer ??= setTimeout(() => this.#begin(), LAYERS_MS);
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#producer.off('score', this.#onScore);
    this.#beginning = 'begun';
    // Its worker may have died: that is told in another way.
    if (this.#wished === 'playing') this.#producer.resume().catch(() => {});
  }
}

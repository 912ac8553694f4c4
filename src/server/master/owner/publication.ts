import { ProtocolError } from '../../../protocol/errors.ts';
import type { Params } from '../../../protocol/methods.ts';
import type { MediaKind, StreamInfo } from '../../../protocol/model.ts';

/** How long subscribers wait for a stream to be published again after its media node has gone. */
const RETURN_MS = 10_000;

const NONE: ReadonlyMap<MediaKind, string> = new Map();

/**
 * A stream that a member sends: what the others are told of it, and the keys of its producers. The stream outlives its media node: it
 * waits until its client publishes it at another, and so do its subscribers.
 */
export class Publication {
  stream: StreamInfo;
  /** The client's latest wish for each kind, which may not have been carried out yet. */
  readonly wishedActive = new Map<MediaKind, Params<'setActive'>>();
  #producers: ReadonlyMap<MediaKind, string>;
  #waiting: { resolve: () => void; reject: (error: ProtocolError) => void; timer: NodeJS.Timeout }[] = [];

  constructor(stream: StreamInfo, producers: ReadonlyMap<MediaKind, string>) {
    this.stream = stream;
    this.#producers = producers;
  }

  /** Empty while the stream waits to be published again. */
  get producers(): ReadonlyMap<MediaKind, string> {
    return this.#producers;
  }

  get isLost(): boolean {
    return this.#producers.size === 0;
  }

  lose(): void {
    this.#producers = NONE;
  }

  /** Switches to these producers, and lets waiting subscribers go on. */
  carry(stream: StreamInfo, producers: ReadonlyMap<MediaKind, string>): void {
    this.stream = stream;
    this.#producers = producers;
    for (const { resolve, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      resolve();
    }
  }

  /** Ends the stream: waiting subscribers are refused. */
  end(): void {
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(new ProtocolError('STREAM_UNKNOWN', this.stream.streamId));
    }
  }

  /** Resolves when the stream can be received. @throws {ProtocolError} STREAM_UNKNOWN, UNAVAILABLE */
  ready(): Promise<void> {
    if (!this.isLost) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((one) => one.timer !== timer);
        reject(new ProtocolError('UNAVAILABLE', `${this.stream.streamId} has not been published again yet`));
      }, RETURN_MS);
      this.#waiting.push({ resolve, reject, timer });
    });
  }
}

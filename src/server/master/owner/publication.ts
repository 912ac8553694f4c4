import { ProtocolError } from '../../../protocol/errors.ts';
import type { Params } from '../../../protocol/methods.ts';
import type { MediaKind, StreamInfo } from '../../../protocol/model.ts';

/** How long a stream whose media node is gone may take to be published again, for those who want to receive it. */
const RETURN_MS = 10_000;

const NONE: ReadonlyMap<MediaKind, string> = new Map();

/**
 * A stream that a member sends: what others are told, and the keys of its producers at the media node. When the media node
 * is gone the stream is not: it waits for its client to send it to another, and so do those who receive it.
 */
export class Publication {
  stream: StreamInfo;
  /** The client's last word, which may not have been carried out yet. */
  readonly wishedActive = new Map<MediaKind, Params<'setActive'>>();
  #producers: ReadonlyMap<MediaKind, string>;
  #waiting: { resolve: () => void; reject: (error: ProtocolError) => void; timer: NodeJS.Timeout }[] = [];

  constructor(stream: StreamInfo, producers: ReadonlyMap<MediaKind, string>) {
    this.stream = stream;
    this.#producers = producers;
  }

  /** Empty while it waits. */
  get producers(): ReadonlyMap<MediaKind, string> {
    return this.#producers;
  }

  get isLost(): boolean {
    return this.#producers.size === 0;
  }

  lose(): void {
    this.#producers = NONE;
  }

  /** It comes from these producers from now on. */
  carry(stream: StreamInfo, producers: ReadonlyMap<MediaKind, string>): void {
    this.stream = stream;
    this.#producers = producers;
    for (const { resolve, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      resolve();
    }
  }

  /** The stream is over. */
  end(): void {
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(new ProtocolError('STREAM_UNKNOWN', this.stream.streamId));
    }
  }

  /** Resolves when it can be received. @throws {ProtocolError} STREAM_UNKNOWN, UNAVAILABLE */
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

import { ProtocolError } from '../../../protocol/errors.ts';
import type { MediaKind, StreamInfo } from '../../../protocol/model.ts';

/** How long a stream whose media node is gone may take to be published again, for those who want to receive it. */
const RETURN_MS = 10_000;

/** Why a stream has no media: all of the session's moves, or its publisher makes new transports. */
export type Loss = 'moved' | 'renewed';

/**
 * A stream that a member sends: what others are told, and the keys of its producers at the media node. When the media node
 * is gone the stream is not: it waits for its client to send it to another, and so do those who receive it.
 */
export class Publication {
  stream: StreamInfo;
  #media: { readonly producers: ReadonlyMap<MediaKind, string> } | { readonly lost: Loss };
  #waiting: { resolve: () => void; reject: (error: ProtocolError) => void; timer: NodeJS.Timeout }[] = [];

  constructor(stream: StreamInfo, producers: ReadonlyMap<MediaKind, string>) {
    this.stream = stream;
    this.#media = { producers };
  }

  /** Empty while it waits. */
  get producers(): ReadonlyMap<MediaKind, string> {
    return 'producers' in this.#media ? this.#media.producers : new Map();
  }

  get isLost(): boolean {
    return 'lost' in this.#media;
  }

  lose(why: Loss): void {
    this.#media = { lost: why };
  }

  /** Why it was lost: nobody knows of a renewal, and everybody of a move. */
  restore(stream: StreamInfo, producers: ReadonlyMap<MediaKind, string>): Loss | undefined {
    const lost = 'lost' in this.#media ? this.#media.lost : undefined;
    this.stream = stream;
    this.#media = { producers };
    for (const { resolve, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      resolve();
    }
    return lost;
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

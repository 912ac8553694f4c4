import type { StreamPropertyChange } from '../events.ts';
import { Stream } from '../session/stream.ts';
import type { PublishedAt } from './publication.ts';
import { Subscriber } from './subscriber.ts';

/** A publisher's own stream as it comes back from the server. */
export class Echo {
  readonly #subscriber: Subscriber;

  /** `changed`: told of each of its tracks that has taken the place of another. */
  constructor({ info }: Stream, changed: (change: StreamPropertyChange) => void) {
    this.#subscriber = new Subscriber(new Stream(info), {}, { changed });
  }

  /** The same object for life: empty until something has come. */
  get mediaStream(): MediaStream {
    return this.#subscriber.mediaStream;
  }

  /** The stream is published, for the first time or anew. What was shown stays until the new plays. */
  receive({ info }: Stream, at: PublishedAt): void {
    this.#subscriber.stream.update(info);
    void at.play(this.#subscriber);
  }

  /** It is not wanted any more; `at`: where the stream goes on. */
  stop(at?: PublishedAt): void {
    if (at) at.unsubscribe(this.#subscriber);
    else this.#subscriber.stop();
  }
}

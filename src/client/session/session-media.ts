import { ProtocolError } from '../../protocol/errors.ts';
import type { Snapshot } from '../../protocol/frames.ts';
import type { MediaKind, StreamEndReason } from '../../protocol/model.ts';
import { MediaPlane, type Request } from '../media/media-plane.ts';
import type { PublishedAt, Publisher } from '../media/publisher.ts';
import type { Subscriber } from '../media/subscriber.ts';
import type { Connection } from './connection.ts';
import { Stream } from './stream.ts';

/**
 * How long the media of a crashed life is kept sending after this client's own rebuild: others may still be showing
 * it. Shorter than the media node's grace for what has no owner.
 */
const LINGER_MS = 4_000;

export interface SessionMediaOptions {
  readonly request: Request;
  /** A transport broke and could not be mended. */
  readonly broken: (cause: string) => void;
  /** A stream that cannot be played. */
  readonly failed: (stream: Stream, error: unknown) => void;
}

/** What a session sends and receives, over the life it has now. */
export class SessionMedia implements PublishedAt {
  readonly #options: SessionMediaOptions;
  readonly publishers = new Set<Publisher>();
  #plane: MediaPlane | undefined;
  #lingering: { plane: MediaPlane; timer: ReturnType<typeof setTimeout> | undefined } | undefined;

  constructor(options: SessionMediaOptions) {
    this.#options = options;
  }

  /** A life of the session begins. What the life before sends and shows goes on until `renewed()`. */
  begin(snapshot: Snapshot): void {
    this.#dropLingering();
    if (this.#plane) this.#lingering = { plane: this.#plane, timer: undefined };
    this.#plane = new MediaPlane(this.#options.request, snapshot, this.#options.broken);
  }

  /** Everything of this client is in the new life. */
  renewed(): void {
    if (this.#lingering) this.#lingering.timer = setTimeout(() => this.#dropLingering(), LINGER_MS);
  }

  /** Publishes what is not published yet, or anew what was before a crash. */
  async publish(publisher: Publisher, connection: Connection): Promise<void> {
    const plane = this.#current();
    const { tracks, detail } = await publisher.outgoingTracks();
    const before = publisher.stream;
    const outgoing = await plane.publish(tracks, { ...detail, ...(before ? { replaces: before.streamId } : {}) });
    const stream = before ?? new Stream(connection, outgoing.stream);
    stream.update(outgoing.stream);
    connection.addStream(stream);
    this.publishers.add(publisher);
    publisher.published(stream, outgoing, this, () => plane.sendPeerConnection);
  }

  unpublish(publisher: Publisher): void {
    this.#end(publisher, 'unpublish');
  }

  async setActive(stream: Stream, kind: MediaKind, active: boolean): Promise<void> {
    await this.#options.request('setActive', { streamId: stream.streamId, kind, active });
  }

  /** Receives the subscriber's stream, for the first time or anew. Resolves when it plays. */
  async play(subscriber: Subscriber): Promise<void> {
    const plane = this.#current();
    try {
      const incoming = await plane.subscribe(subscriber.stream.streamId);
      if (subscriber.stream.streamManager !== subscriber) {
        for (const consumer of incoming.consumers) consumer.close();
        return;
      }
      await subscriber.play(incoming, () => plane.recvPeerConnection);
    } catch (error) {
      // The stream, or this life of the session, has ended meanwhile: its own event says what there is to say.
      const over =
        plane !== this.#plane ||
        (error instanceof ProtocolError && (error.code === 'STREAM_UNKNOWN' || error.code === 'SESSION_DESTROYED'));
      if (!over) this.#options.failed(subscriber.stream, error);
    }
  }

  unsubscribe(subscriber: Subscriber): void {
    this.#options.request('unsubscribe', { streamId: subscriber.stream.streamId }).catch(() => {});
    subscriber.stop();
    subscriber.removeVideos();
  }

  /** It is over. */
  end(reason: StreamEndReason): void {
    for (const publisher of [...this.publishers]) this.#forget(publisher, reason);
    this.#dropLingering();
    this.#plane?.close();
    this.#plane = undefined;
  }

  #end(publisher: Publisher, reason: StreamEndReason): void {
    const { stream } = publisher;
    if (!stream || !this.publishers.has(publisher)) return;
    this.#options.request('unpublish', { streamId: stream.streamId }).catch(() => {});
    this.#forget(publisher, reason);
  }

  #forget(publisher: Publisher, reason: StreamEndReason): void {
    this.publishers.delete(publisher);
    if (publisher.stream) publisher.stream.connection.removeStream(publisher.stream);
    publisher.unpublished(reason);
  }

  #current(): MediaPlane {
    if (!this.#plane) throw new ProtocolError('SESSION_CLOSED');
    return this.#plane;
  }

  #dropLingering(): void {
    clearTimeout(this.#lingering?.timer);
    this.#lingering?.plane.close();
    this.#lingering = undefined;
  }
}

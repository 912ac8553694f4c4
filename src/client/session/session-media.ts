import { ProtocolError } from '../../protocol/errors.ts';
import type { IceServer, MediaPlace } from '../../protocol/frames.ts';
import { randomText } from '../../protocol/ids.ts';
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

/** How often, and after how long, what the media node could not do is asked again. */
export const MEDIA_ATTEMPTS = 20;
export const MEDIA_AGAIN_MS = 250;

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
  readonly #keys = new WeakMap<Publisher, string>();
  #iceServers: readonly IceServer[] = [];
  #plane: MediaPlane | undefined;
  #lingering: { plane: MediaPlane; timer: ReturnType<typeof setTimeout> | undefined } | undefined;

  constructor(options: SessionMediaOptions) {
    this.#options = options;
  }

  /** A life of the session begins. What the life before sends and shows goes on until `renewed()`. */
  begin(place: MediaPlace, iceServers: readonly IceServer[]): void {
    this.#iceServers = iceServers;
    this.#dropLingering();
    if (this.#plane) this.#lingering = { plane: this.#plane, timer: undefined };
    this.#plane = new MediaPlane(this.#options.request, place, iceServers, this.#options.broken);
  }

  /** The media of this life is hosted anew. `false` when it is where it was. */
  move(place: MediaPlace): boolean {
    if (this.#plane?.id === place.id) return false;
    this.begin(place, this.#iceServers);
    return true;
  }

  /** Everything of this client is in the new life. */
  renewed(): void {
    if (this.#lingering) this.#lingering.timer = setTimeout(() => this.#dropLingering(), LINGER_MS);
  }

  /** Publishes what is not published yet, or anew what was before a crash. */
  async publish(publisher: Publisher, connection: Connection): Promise<void> {
    const plane = this.#current();
    const before = publisher.stream;
    // Said again in the same life of the session, the key makes it the same stream.
    const key = this.#keys.get(publisher) ?? randomText(4);
    this.#keys.set(publisher, key);
    const { tracks, detail } = await publisher.outgoingTracks(key);
    const replaces = before && !before.streamId.endsWith(connection.connectionId) ? { replaces: before.streamId } : {};
    const outgoing = await plane.publish(tracks, { ...detail, ...replaces });
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
  async play(subscriber: Subscriber, attempt = 1): Promise<void> {
    const plane = this.#plane;
    if (!plane) return;
    try {
      const incoming = await plane.subscribe(subscriber.stream.streamId);
      if (subscriber.stream.streamManager !== subscriber) {
        for (const consumer of incoming.consumers) consumer.close();
        return;
      }
      await subscriber.play(incoming, () => plane.recvPeerConnection);
    } catch (error) {
      // The stream, or this place of the media, is over meanwhile: its own event says what there is to say.
      if (plane !== this.#plane || subscriber.stream.streamManager !== subscriber) return;
      const code = error instanceof ProtocolError ? error.code : undefined;
      if (code === 'STREAM_UNKNOWN' || code === 'SESSION_DESTROYED') return;
      // The media node has just gone: where it goes on is about to be told.
      if (code === 'UNAVAILABLE' && attempt < MEDIA_ATTEMPTS) {
        setTimeout(() => void this.play(subscriber, attempt + 1), MEDIA_AGAIN_MS);
        return;
      }
      this.#options.failed(subscriber.stream, error);
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
    this.#keys.delete(publisher);
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

import { ProtocolError } from '../../protocol/errors.ts';
import type { IceServer, MediaPlace } from '../../protocol/frames.ts';
import { type StreamId, streamNameOf } from '../../protocol/ids.ts';
import type { MediaKind, MediaState, StreamChange, StreamEndReason } from '../../protocol/model.ts';
import type { Plane, Request } from '../media/media-plane.ts';
import type { PublishedAt } from '../media/publication.ts';
import type { Publisher } from '../media/publisher.ts';
import { QualityWatch } from '../media/quality-watch.ts';
import type { StreamAudience } from '../media/stream-audience.ts';
import type { Subscriber } from '../media/subscriber.ts';
import { Arrivals } from './arrivals.ts';
import type { Connection } from './connection.ts';
import { Publishing } from './publishing.ts';
import type { Stream } from './stream.ts';

/**
 * How long this client keeps sending the media of a crashed life after its own rebuild, because others may still show
 * it. Shorter than the media node's grace period for ownerless sessions.
 */
const LINGER_MS = 4_000;
/** The maximum for a former node that the session keeps until every client has left it. */
const LONGEST_LINGER_MS = 60_000;
/** Maximum of former planes at a time. */
const FORMER = 3;

/** Maximum of repetitions of a request that the media node could not serve, while nothing plays. */
const MEDIA_ATTEMPTS = 20;

/** A plane that stays until its successor plays. */
interface Former {
  readonly plane: Plane;
  /** Whether it leads to the present media node. */
  readonly isThere: boolean;
  /** Stays until the server says that every client has left it. */
  isKept: boolean;
}

export interface SessionMediaOptions {
  readonly request: Request;
  /** Resolves when the session is joined, or has returned. */
  readonly joined: () => Promise<void>;
  /** Makes a plane to a media node. */
  readonly planeTo: (place: MediaPlace, iceServers: readonly IceServer[]) => Plane;
  /** Emits events to the listeners in this page. */
  readonly audience: StreamAudience;
  /** The stream cannot be played, or cannot be published again. */
  readonly failed: (stream: Stream, error: unknown) => void;
}

/** All media that a session sends and receives in its present life. */
export class SessionMedia implements PublishedAt {
  readonly #options: SessionMediaOptions;
  readonly #arrivals = new Arrivals();
  /** The publishers whose stream is wanted, or still exists. */
  readonly #publishings = new Map<Publisher, Publishing>();
  readonly #quality: QualityWatch;
  #iceServers: readonly IceServer[] = [];
  #plane: Plane | undefined;
  /** The oldest first, because videos most likely still show it. */
  #former: Former[] = [];
  /** Runs once everything plays over the present plane. */
  #lingering: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SessionMediaOptions) {
    this.#options = options;
    this.#quality = new QualityWatch({
      measure: async () => (await this.#plane?.measure()) ?? [],
      changed: (level) => void options.request('reportQuality', { level }).catch(() => {}),
    });
  }

  /** Keys of the wanted streams, which are published again after a crash. */
  get keys(): string[] {
    return [...this.#publishings.values()].flatMap(({ key }) => key ?? []);
  }

  get audience(): StreamAudience {
    return this.#options.audience;
  }

  /** Begins a life of the session. The media of the former one continues until `renewed()`. */
  begin(place: MediaPlace, iceServers: readonly IceServer[], isKept = false): void {
    this.#iceServers = iceServers;
    clearTimeout(this.#lingering);
    this.#lingering = undefined;
    const plane = this.#plane;
    if (plane) {
      plane.supersede();
      this.#former.push({ plane, isThere: plane.place === place, isKept });
      const excess = this.#former[FORMER - 1];
      this.#drop((former) => this.#former.length > FORMER && former === excess);
    }
    this.#plane = this.#options.planeTo(place, iceServers);
    if (plane?.isReceiving) this.#plane.prepareToReceive();
    for (const publishing of this.#publishings.values()) publishing.moved();
  }

  /** The published publishers, as far as the application knows. */
  get publishers(): Publisher[] {
    return [...this.#publishings].flatMap(([publisher, { isTold }]) => (isTold ? publisher : []));
  }

  /**
   * Follows the media to another node. `isKept`: the old one stays until `left()`. Returns `false` if the media has
   * not moved.
   */
  move(place: MediaPlace, isKept?: boolean): boolean {
    if (this.#plane?.place.id === place.id) return false;
    this.begin(place, this.#iceServers, isKept);
    return true;
  }

  /** No client shows the media of this node any more. */
  left(mediaId: string): void {
    const isOf = ({ plane }: Former): boolean => plane.place.id === mediaId;
    if (this.#lingering) this.#drop(isOf);
    for (const former of this.#former) if (isOf(former)) former.isKept = false;
  }

  /** Reports to the server whether media arrives from this node. */
  async testify(mediaId: string): Promise<void> {
    const plane = this.#plane;
    this.#report(mediaId, plane?.place.id === mediaId ? await plane.look() : 'unknown');
  }

  /** Whether to repeat a request that the media node could not serve; without limit while the old media plays. */
  asksAgain(attempts: number): boolean {
    return attempts < MEDIA_ATTEMPTS || this.#former.length > 0;
  }

  /** The plane to the present media node. */
  get plane(): Plane | undefined {
    return this.#plane;
  }

  /** Makes new transports to the present media node. */
  renewTransports(): void {
    if (this.#plane) this.begin(this.#plane.place, this.#iceServers);
  }

  /** The client may no longer send; the server ends its streams and has closed their transports. */
  stopSending(): void {
    this.#plane?.stopSending();
  }

  /** Everything of this client plays in the new life, or at the new node. */
  renewed(): void {
    if (this.#plane) this.#report(this.#plane.place.id, 'shown');
    clearTimeout(this.#lingering);
    this.#lingering = setTimeout(() => {
      this.#drop(({ isKept }) => !isKept);
      this.#lingering = setTimeout(() => this.#drop(), LONGEST_LINGER_MS);
    }, LINGER_MS);
  }

  /** The network may have changed: see {@link MediaPath.check}. */
  check(sure: boolean): void {
    this.#plane?.check(sure);
  }

  /**
   * Publishes the publisher's stream, unless it is published already. The stream survives crashes and follows moves
   * of the media.
   * @returns when the stream is at the present media node
   * @throws {ProtocolError} the server's refusal; SESSION_CLOSED, STREAM_UNKNOWN: the session or the stream has ended
   *   meanwhile
   */
  publish(publisher: Publisher, connection: Connection): Promise<void> {
    const known = this.#publishings.get(publisher);
    const publishing =
      known ??
      new Publishing({
        publisher,
        at: this,
        joined: this.#options.joined,
        plane: () => {
          this.#quality.start();
          return this.#current();
        },
        endAtServer: (streamId) => this.#unpublish(streamId),
        failed: (error) => this.#options.failed(publisher.stream, error),
        over: () => this.#publishings.delete(publisher),
      });
    this.#publishings.set(publisher, publishing);
    return publishing.publish(connection);
  }

  unpublish(publisher: Publisher): void {
    this.#publishings.get(publisher)?.end('unpublish', true);
  }

  /** The server has ended a stream of this client. Returns `false` if there is no such stream. */
  ended(streamId: StreamId, reason: StreamEndReason): boolean {
    const publisher = this.publishers.find(({ stream }) => stream.streamId === streamId);
    if (publisher) this.#publishings.get(publisher)?.end(reason, false);
    return publisher !== undefined;
  }

  /**
   * Ends the streams that the session's new owner does not have: they were ended while this client was away. Unpublishes those that
   * only the owner has: they come from publishes that this client has given up.
   */
  agreeOn(there: readonly StreamId[]): void {
    for (const [{ stream }, publishing] of [...this.#publishings]) {
      // A stream that is still on its way, or moving, cannot be there yet.
      if (publishing.isSent && !there.includes(stream.streamId)) publishing.end('forceUnpublishByServer', false);
    }
    const wished = [...this.#publishings.values()].map(({ key }) => key);
    for (const streamId of there) {
      const name = streamNameOf(streamId);
      if (name && !wished.includes(name.key)) this.#unpublish(streamId);
    }
  }

  async setActive(stream: Stream, kind: MediaKind, active: boolean): Promise<void> {
    await this.#options.request('setActive', { streamId: stream.streamId, kind, active });
  }

  async setLayers(stream: Stream, layers: number): Promise<void> {
    await this.#options.request('reportLayers', { streamId: stream.streamId, layers });
  }

  async change(stream: Stream, change: StreamChange): Promise<void> {
    await this.#options.request('changeStream', { streamId: stream.streamId, change });
  }

  /**
   * Resolves when the subscriber's stream has arrived; `play` starts that.
   * @throws {ProtocolError} the server's refusal; STREAM_UNKNOWN, SESSION_CLOSED: the stream, the subscription or the
   *   session has ended
   */
  arrival(subscriber: Subscriber): Promise<void> {
    return this.#arrivals.of(subscriber);
  }

  /** Receives the subscriber's stream over its publisher's new transport, unless it already does. */
  playAnew(subscriber: Subscriber): Promise<void> {
    const { stream } = subscriber;
    return this.play(subscriber, () => this.#plane?.renewalOf(stream.streamId) !== stream.renewal);
  }

  /**
   * Receives the subscriber's stream, for the first time or again. Resolves when it plays.
   * @param isDue checked when its turn comes
   */
  async play(subscriber: Subscriber, isDue: () => boolean = () => true): Promise<void> {
    const plane = this.#plane;
    if (!plane) return;
    this.#quality.start();
    // A move of the media starts this anew, and only the last subscriber of a stream counts.
    const isWanted = (): boolean => plane === this.#plane && subscriber.stream.manager === subscriber;
    try {
      const before = subscriber.played;
      const incoming = await plane.subscribe(subscriber.stream.streamId, () => isWanted() && isDue());
      if (isWanted() && incoming) {
        await subscriber.play(incoming, () => plane.recvPeerConnection, before);
        this.#arrivals.arrived(subscriber);
        return;
      }
      for (const consumer of incoming?.consumers ?? []) consumer.close();
    } catch (error) {
      // If the stream or this plane has ended meanwhile, its own event reports that.
      const code = codeOf(error);
      if (!isWanted() || code === 'SESSION_DESTROYED') return;
      if (code === 'STREAM_UNKNOWN') return this.#arrivals.failed(subscriber, error);
      this.#arrivals.failed(subscriber, error);
      this.#options.failed(subscriber.stream, error);
    }
  }

  /** The stream has ended, or the application no longer wants it. */
  abandon(subscriber: Subscriber): void {
    this.#arrivals.failed(subscriber, new ProtocolError('STREAM_UNKNOWN', subscriber.stream.streamId));
  }

  unsubscribe(subscriber: Subscriber): void {
    const { stream } = subscriber;
    this.abandon(subscriber);
    // Another subscriber may have taken the stream over.
    if (stream.manager === subscriber) this.#plane?.unsubscribe(stream.streamId).catch(() => {});
    subscriber.stop();
    subscriber.removeAllVideos();
  }

  /** Ends all media of the session. */
  end(reason: StreamEndReason): void {
    const over = new ProtocolError('SESSION_CLOSED');
    for (const publishing of [...this.#publishings.values()]) publishing.end(reason, false, over);
    this.#arrivals.end(over);
    this.#quality.stop();
    clearTimeout(this.#lingering);
    this.#drop();
    this.#plane?.close();
    this.#plane = undefined;
  }

  #unpublish(streamId: StreamId): void {
    this.#options.request('unpublish', { streamId }).catch(() => {});
  }

  #current(): Plane {
    if (!this.#plane) throw new ProtocolError('SESSION_CLOSED');
    return this.#plane;
  }

  #drop(which: (former: Former) => boolean = () => true): void {
    this.#former = this.#former.filter((former) => {
      const goes = which(former);
      if (goes) former.plane.close(former.isThere);
      return !goes;
    });
  }

  #report(mediaId: string, state: MediaState): void {
    this.#options.request('reportMedia', { mediaId, state }).catch(() => {});
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof ProtocolError ? error.code : undefined;
}

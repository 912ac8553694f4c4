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
 * How long the media of a crashed life is kept sending after this client's own rebuild: others may still be showing
 * it. Shorter than the media node's grace for what has no owner.
 */
const LINGER_MS = 4_000;
/** And that of a place which the session keeps until everyone has left it, at most. */
const LONGEST_LINGER_MS = 60_000;
/** So many former places at a time. */
const FORMER = 3;

/** How often what the media node could not do is asked again, where nothing plays meanwhile. */
const MEDIA_ATTEMPTS = 20;

/** Media that goes on until what follows it plays. */
interface Former {
  readonly plane: Plane;
  /** At the place where the media still is. */
  readonly isThere: boolean;
  /** Until the server says that everyone has left it. */
  isKept: boolean;
}

export interface SessionMediaOptions {
  readonly request: Request;
  /** Resolves when the session is joined, or is back. */
  readonly joined: () => Promise<void>;
  /** Leads to a place of the media. */
  readonly planeTo: (place: MediaPlace, iceServers: readonly IceServer[]) => Plane;
  /** Tells the listeners in this page. */
  readonly audience: StreamAudience;
  /** A stream that cannot be played, or not be published again. */
  readonly failed: (stream: Stream, error: unknown) => void;
}

/** What a session sends and receives, over the life it has now. */
export class SessionMedia implements PublishedAt {
  readonly #options: SessionMediaOptions;
  readonly #arrivals = new Arrivals();
  /** Of those publishers of which something is wished, or there. */
  readonly #publishings = new Map<Publisher, Publishing>();
  readonly #quality: QualityWatch;
  #iceServers: readonly IceServer[] = [];
  #plane: Plane | undefined;
  /** The oldest first, which is the most likely to be shown. */
  #former: Former[] = [];
  /** Runs once all plays from where it is now. */
  #lingering: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SessionMediaOptions) {
    this.#options = options;
    this.#quality = new QualityWatch({
      measure: async () => (await this.#plane?.measure()) ?? [],
      changed: (level) => void options.request('reportQuality', { level }).catch(() => {}),
    });
  }

  /** Of what is published, and is published again after a crash. */
  get keys(): string[] {
    return [...this.#publishings.values()].flatMap(({ key }) => key ?? []);
  }

  get audience(): StreamAudience {
    return this.#options.audience;
  }

  /** A life of the session begins. What the life before sends and shows goes on until `renewed()`. */
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

  /** Those that are published, as far as the application knows. */
  get publishers(): Publisher[] {
    return [...this.#publishings].flatMap(([publisher, { isTold }]) => (isTold ? publisher : []));
  }

  /** The media of this life is hosted anew. `isKept`: the old goes on until `left()`. `false` when it is where it was. */
  move(place: MediaPlace, isKept?: boolean): boolean {
    if (this.#plane?.place.id === place.id) return false;
    this.begin(place, this.#iceServers, isKept);
    return true;
  }

  /** Nobody shows the media of this place any more. */
  left(mediaId: string): void {
    const isOf = ({ plane }: Former): boolean => plane.place.id === mediaId;
    if (this.#lingering) this.#drop(isOf);
    for (const former of this.#former) if (isOf(former)) former.isKept = false;
  }

  /** Says whether media arrives from this place. */
  async testify(mediaId: string): Promise<void> {
    const plane = this.#plane;
    this.#report(mediaId, plane?.place.id === mediaId ? await plane.look() : 'unknown');
  }

  /** Whether the media node is asked again for what it could not do. While the old media plays, for as long as it takes. */
  asksAgain(attempts: number): boolean {
    return attempts < MEDIA_ATTEMPTS || this.#former.length > 0;
  }

  /** What leads to the media now. */
  get plane(): Plane | undefined {
    return this.#plane;
  }

  /** Other transports to where the media is. */
  renewTransports(): void {
    if (this.#plane) this.begin(this.#plane.place, this.#iceServers);
  }

  /** The client may not send any more; the server ends its streams, and has closed what they come over. */
  stopSending(): void {
    this.#plane?.stopSending();
  }

  /** Everything of this client is in the new life, or at the new place, and plays. */
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
   * Publishes what is not published yet. After a crash, and where the media moves, it goes on there.
   * @returns when it is where the media is now
   * @throws {ProtocolError} the server's refusal; SESSION_CLOSED, STREAM_UNKNOWN: the session, or the wish, is over meanwhile
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

  /** The server has ended a stream of this client's. `false`: there is none of that id. */
  ended(streamId: StreamId, reason: StreamEndReason): boolean {
    const publisher = this.publishers.find(({ stream }) => stream.streamId === streamId);
    if (publisher) this.#publishings.get(publisher)?.end(reason, false);
    return publisher !== undefined;
  }

  /**
   * What the session's next owner has of this client's streams: another has been ended, and nobody could tell. One that this client
   * does not know comes from a publish that it has given up, and is ended.
   */
  agreeOn(there: readonly StreamId[]): void {
    for (const [{ stream }, publishing] of [...this.#publishings]) {
      // What is on its way, or being brought to where the media is now, cannot be there yet.
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
   * Resolves when the subscriber's stream has arrived, which `play` sees to.
   * @throws {ProtocolError} the server's refusal; STREAM_UNKNOWN, SESSION_CLOSED: the stream, the wish or the session is over
   */
  arrival(subscriber: Subscriber): Promise<void> {
    return this.#arrivals.of(subscriber);
  }

  /** Receives the subscriber's stream from where it comes now, if that is not where it was received from last. */
  playAnew(subscriber: Subscriber): Promise<void> {
    const { stream } = subscriber;
    return this.play(subscriber, () => this.#plane?.renewalOf(stream.streamId) !== stream.renewal);
  }

  /**
   * Receives the subscriber's stream, for the first time or anew. Resolves when it plays.
   * @param isDue asked when it is its turn
   */
  async play(subscriber: Subscriber, isDue: () => boolean = () => true): Promise<void> {
    const plane = this.#plane;
    if (!plane) return;
    this.#quality.start();
    // Where the media has moved it is received anew, and a stream has one subscriber, the last.
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
      // The stream, or this place of the media, is over meanwhile: its own event says what there is to say.
      const code = codeOf(error);
      if (!isWanted() || code === 'SESSION_DESTROYED') return;
      if (code === 'STREAM_UNKNOWN') return this.#arrivals.failed(subscriber, error);
      this.#arrivals.failed(subscriber, error);
      this.#options.failed(subscriber.stream, error);
    }
  }

  /** It is not to arrive any more: the stream has ended, or is not wanted. */
  abandon(subscriber: Subscriber): void {
    this.#arrivals.failed(subscriber, new ProtocolError('STREAM_UNKNOWN', subscriber.stream.streamId));
  }

  unsubscribe(subscriber: Subscriber): void {
    const { stream } = subscriber;
    this.abandon(subscriber);
    // The stream may be another subscriber's by now.
    if (stream.manager === subscriber) this.#plane?.unsubscribe(stream.streamId).catch(() => {});
    subscriber.stop();
    subscriber.removeAllVideos();
  }

  /** It is over. */
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

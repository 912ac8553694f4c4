import { randomText, type TypeOfVideo } from '../../protocol/ids.ts';
import type { MediaKind, StreamChange, StreamEndReason } from '../../protocol/model.ts';
import type { AdvancedConfiguration } from '../advanced-configuration.ts';
import { notSupported, RejoinError } from '../errors.ts';
import {
  AccessDeniedEvent,
  StreamEvent,
  StreamManagerEvent,
  type StreamPropertyChange,
  StreamPropertyChangedEvent,
  type StreamPropertyValue,
} from '../events.ts';
import { show, worksInProxies } from '../reactive-proxy.ts';
import type { Rejoin } from '../rejoin.ts';
import type { Connection } from '../session/connection.ts';
import { Stream, type VideoDimensions } from '../session/stream.ts';
import { tellingOfDialog } from './access-dialog.ts';
import { DimensionsWatch } from './dimensions-watch.ts';
import { Echo } from './echo.ts';
import { LocalTracks, MEDIA_KINDS } from './local-tracks.ts';
import type { OutgoingTrack, PublishDetail } from './media-plane.ts';
import { Publication, type PublicationOptions, type PublishedAt } from './publication.ts';
import { type PublisherProperties, plannedStream } from './publisher-properties.ts';
import { StreamManager, type StreamManagerEvents } from './stream-manager.ts';

/** @internal Arguments of a publisher besides its properties. */
export interface PublisherSurroundings {
  readonly configuration?: AdvancedConfiguration;
  /** Called when the sources are open or unavailable, before the events that say so. */
  readonly settled?: (error?: RejoinError) => void;
}

/** Longest name of a source that a server accepts, characters. */
const LABEL_LENGTH = 256;

/**
 * This page's camera and microphone, or screen. Made by `initPublisher`, published by `session.publish`.
 *
 * When a source ends by itself, because its device is gone or the user has ended the sharing of the screen, the stream goes
 * on, and that part of it is muted for everyone, told by `streamPropertyChanged`. The application may `unpublish` it,
 * `replaceTrack`, or open the source again with `publishVideo(true)` or `publishAudio(true)`.
 */
export class Publisher extends StreamManager {
  /** Never. */
  readonly remote = false;
  /** A name of its own. */
  readonly id: string;
  /** The properties passed at creation. */
  readonly properties: PublisherProperties;
  /** The object that made it. */
  readonly openvidu!: Rejoin;
  /** The published stream, or the one about to be: the same object for life. */
  readonly stream: Stream;
  /** Whether the user and the browser have allowed the use of the sources. */
  readonly accessAllowed: boolean = false;
  /** Whether its videos show what others get: see `subscribeToRemote`. */
  readonly isSubscribedToRemote: boolean = false;
  #settled: PublisherSurroundings['settled'];
  readonly #tracks: LocalTracks;
  readonly #dimensions: DimensionsWatch;
  readonly #reopening = new Map<MediaKind, Promise<MediaStreamTrack | undefined>>();
  #exchanges = Promise.resolve();
  #typeOfVideo: TypeOfVideo | undefined;
  #ready: Promise<void>;
  #openings = 0;
  /** Where it is published, or about to be. */
  #at: PublishedAt | undefined;
  #denied: RejoinError | undefined;
  #sent: Publication | undefined;
  /** Receives its own stream from the server. */
  #echo: Echo | undefined;

  /** @internal */
  constructor(properties: PublisherProperties = {}, { configuration, settled }: PublisherSurroundings = {}) {
    super(configuration);
    this.#settled = settled;
    this.properties = properties;
    this.id = randomText(10);
    this.stream = Stream.unpublished(plannedStream(properties));
    this.stream.managedBy(this);
    this.#tracks = new LocalTracks({
      mediaStream: this.mediaStream,
      active: { audio: properties.publishAudio ?? true, video: properties.publishVideo ?? true },
      ended: (kind) => {
        this.listenAnew();
        void this.#setActive(kind, false);
      },
    });
    this.#dimensions = new DimensionsWatch({
      read: () => this.#readDimensions(),
      changed: (dimensions, isOtherTrack) => this.#resized(dimensions, isOtherTrack),
    });
    this.#ready = this.#open();
  }

  /** Settles when the sources are open, or denied. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** The connection that carries it now. */
  get peerConnection(): RTCPeerConnection | undefined {
    return this.#sent?.peerConnection;
  }

  /**
   * Mutes or unmutes the microphone, for everyone. Before `publish`, what it begins with. One that has ended by itself is
   * opened again.
   * @throws {RejoinError} why it cannot be opened; it stays muted then
   */
  publishAudio(enabled: boolean): Promise<void> {
    return this.#setActive('audio', enabled);
  }

  /**
   * Turns the camera's picture off or on, for everyone. Before `publish`, what it begins with.
   * @param resource with `false`: `true` gives the camera back, so that its light goes out and others can use it. With
   *   `true`: a track to send in place of the one before. Without one, a camera that has been given back is opened again,
   *   the same one, and a screen is asked for again.
   * @throws {RejoinError} why it cannot be opened; the video stays off then
   */
  async publishVideo<T extends boolean>(
    enabled: T,
    resource?: T extends false ? boolean : MediaStreamTrack,
  ): Promise<void> {
    const given: boolean | MediaStreamTrack | undefined = resource;
    if (typeof given === 'object') {
      // It counts from now on: what is said while the track is exchanged comes later.
      this.#tracks.setActive('video', enabled);
      await this.replaceTrack(given);
      await this.#setActive('video', this.#tracks.isActive('video'));
    } else await this.#setActive('video', enabled);
    if (enabled || given !== true) return;
    await this.#ready;
    // It may be wanted again by now.
    if (!this.#tracks.isActive('video')) this.#tracks.free('video');
  }

  /**
   * Sends another track in place of the one of its kind, which is stopped. What is muted stays muted. Everyone is told, by
   * `streamPropertyChanged` with reason `trackReplaced`, and nobody sees an interruption.
   * @throws {RejoinError} PUBLISHER_PROPERTIES_ERROR: there is none of its kind, or it has ended; GENERIC_ERROR: the browser
   *   refuses it; why the sources could not be opened
   */
  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    await this.#ready;
    await this.#inTurn(() => this.#replace(track));
  }

  /**
   * Lets its videos show the stream as it comes back from the server, with its sound and not mirrored, in place of the
   * camera's picture: what others see and hear. Before `publish`, they stay empty until that has come.
   */
  subscribeToRemote(value = true): void {
    show<Publisher>(this, { isSubscribedToRemote: value });
    this.#listenToEcho();
  }

  /** Ends the publishing, closes the sources, and removes the videos. */
  dispose(): void {
    this.#at?.unpublish(this);
    this.removeAllVideos();
    this.closeSources();
  }

  /** @internal It is about to be published there. @throws {RejoinError} PUBLISHED_ELSEWHERE */
  claim(at: PublishedAt, connection: Connection): void {
    if (this.#at && this.#at !== at) {
      throw new RejoinError(
        'PUBLISHED_ELSEWHERE',
        'The publisher is published in another session.',
        'Unpublish it there first, or make another publisher for this session.',
      );
    }
    this.#at = at;
    connection.addStream(this.stream);
  }

  /** @internal It has not been published there. */
  release(at: PublishedAt): void {
    if (this.#at !== at) return;
    this.#at = undefined;
    this.stream.connection.removeStream(this.stream);
  }

  /** @internal What to send. Waits for the sources, and opens them again where they have been closed, if it is still wanted. */
  async outgoingTracks(
    key: string,
    isWanted: () => boolean,
  ): Promise<{ tracks: OutgoingTrack[]; detail: PublishDetail }> {
    do {
      if (this.#tracks.isClosed) this.#ready = this.#open();
      await this.#ready;
    } while (this.#tracks.isClosed && isWanted());
    const typeOfVideo = this.#typeOfVideo;
    const { frameRate, videoDimensions } = this.stream;
    const isSimulcast = this.#isSimulcast;
    const tracks: OutgoingTrack[] = [];
    const own = this.#tracks;
    for (const kind of MEDIA_KINDS) {
      const toSend = own.toSend(kind, videoDimensions);
      if (!toSend) continue;
      tracks.push({
        kind,
        // It may be exchanged, which stops it, before there is a transport.
        get track() {
          const now = own.get(kind);
          return now && !own.hasEnded(kind) ? now : toSend;
        },
        active: own.isActive(kind),
        isSimulcast,
      });
    }
    return {
      tracks,
      detail: {
        key,
        ...(typeOfVideo ? { typeOfVideo } : {}),
        ...(frameRate ? { frameRate } : {}),
        ...(videoDimensions.width && videoDimensions.height ? { videoDimensions } : {}),
      },
    };
  }

  /** @internal Published, for the first time or anew after a crash. */
  published(sent: Omit<PublicationOptions, 'stream' | 'tracks' | 'isSimulcast'>): void {
    const isNew = !this.#sent;
    const { stream } = this;
    this.#at = sent.at;
    this.#sent?.stop();
    this.#sent = new Publication({ stream, tracks: this.#tracks, isSimulcast: this.#isSimulcast, ...sent });
    this.#sent.catchUp();
    this.heardBy(sent.at.audience);
    if (this.stream.hasVideo) this.#dimensions.start(this.stream.videoDimensions);
    this.#listenToEcho();
    if (isNew) this.emitEvent('streamCreated', new StreamEvent('streamCreated', this, this.stream));
  }

  /** @internal It is not published there any more, or is not to be. */
  unpublished(reason: StreamEndReason): void {
    this.#at = undefined;
    this.stream.connection.removeStream(this.stream);
    this.#sent?.close();
    this.#sent = undefined;
    this.#echo?.stop();
    this.#echo = undefined;
    this.presentAnew();
    this.#dimensions.stop();
    this.heardBy(undefined);
    const event = new StreamEvent('streamDestroyed', this, this.stream, reason);
    this.emitEvent('streamDestroyed', event);
    // If the listener has published it again, it needs them.
    if (event.isDefaultPrevented() || this.#at) return;
    this.removeAllVideos();
    this.closeSources();
  }

  /** @internal Closes camera and microphone. */
  closeSources(): void {
    this.#tracks.close();
    this.listenAnew();
  }

  /** @internal */
  override get shownStream(): MediaStream {
    return this.#echo?.mediaStream ?? this.mediaStream;
  }

  protected override get isMirrored(): boolean {
    return this.properties.mirror !== false && this.stream.typeOfVideo !== 'SCREEN';
  }

  protected override lateEvent(
    name: keyof StreamManagerEvents,
  ): StreamManagerEvents[keyof StreamManagerEvents] | undefined {
    if (name === 'accessAllowed' && this.accessAllowed) return new StreamManagerEvent(name, this);
    if (name === 'accessDenied' && this.#denied) return new AccessDeniedEvent(this, this.#denied);
    if (name === 'streamCreated' && this.#sent) return new StreamEvent<StreamManager>(name, this, this.stream);
    return super.lateEvent(name);
  }

  #listenToEcho(): void {
    const at = this.#sent?.at;
    const before = this.#echo;
    const changed = (change: StreamPropertyChange): void => this.audience?.streamChanged(this.stream, change);
    this.#echo = this.isSubscribedToRemote ? (before ?? new Echo(this.stream, changed)) : undefined;
    if (!this.#echo) before?.stop(at);
    else if (at) this.#echo.receive(this.stream, at);
    if (this.#echo !== before) this.presentAnew();
  }

  get #isSimulcast(): boolean {
    return this.properties.videoSimulcast ?? this.#typeOfVideo !== 'SCREEN';
  }

  #open(): Promise<void> {
    const opening = this.#openSources();
    // An application that does not publish it learns of a failure from `accessDenied`.
    opening.catch(() => {});
    return opening;
  }

  async #openSources(): Promise<void> {
    const before = this.accessAllowed;
    this.#openings += 1;
    const opening = this.#openings;
    try {
      if (this.properties.filter) throw notSupported('Filters');
      const { audio, video, typeOfVideo } = await tellingOfDialog(this.#tracks.open(this.properties), (event) =>
        this.emitEvent(event, new StreamManagerEvent(event, this)),
      );
      this.#typeOfVideo = typeOfVideo;
      const { width, height, frameRate } = video?.getSettings() ?? {};
      this.stream.update({
        hasAudio: audio !== undefined,
        hasVideo: video !== undefined,
        ...(typeOfVideo ? { typeOfVideo } : {}),
        ...(frameRate ? { frameRate } : {}),
        ...(width && height ? { videoDimensions: { width, height } } : {}),
      });
    } catch (cause) {
      const error =
        cause instanceof RejoinError
          ? cause
          : new RejoinError('GENERIC_ERROR', String(cause), 'Check the sources that were asked for.', { cause });
      // Sources that were closed meanwhile were not denied. If they are opened again, that opening says how it goes.
      if (opening !== this.#openings) throw error;
      this.#settle(error);
      if (this.#tracks.isClosed) throw error;
      show<Publisher>(this, { accessAllowed: false });
      this.#denied = error;
      this.emitEvent('accessDenied', new AccessDeniedEvent(this, error));
      throw error;
    }
    this.listenAnew();
    show<Publisher>(this, { accessAllowed: true });
    this.#denied = undefined;
    // Sources that an unpublish has closed open again without an event.
    if (before) return;
    this.#settle();
    this.emitEvent('accessAllowed', new StreamManagerEvent('accessAllowed', this));
  }

  #settle(error?: RejoinError): void {
    this.#settled?.(error);
    this.#settled = undefined;
  }

  async #setActive(kind: MediaKind, active: boolean): Promise<void> {
    this.#tracks.setActive(kind, active);
    if (active && this.#tracks.hasEnded(kind)) await this.#reopen(kind);
    if (this.#sent) return this.#sent.applyActive(kind);
    const there = kind === 'audio' ? this.stream.hasAudio : this.stream.hasVideo;
    if (there) this.stream.setActive(kind, this.#tracks.isActive(kind));
  }

  /** Once at a time: who asks twice gets one dialog. */
  async #reopen(kind: MediaKind): Promise<void> {
    const reopening = this.#reopening.get(kind) ?? this.#tracks.reopen(kind);
    this.#reopening.set(kind, reopening);
    try {
      const track = await reopening;
      await this.#inTurn(async () => {
        // The application may have given another one meanwhile.
        if (track && this.#tracks.hasEnded(kind)) await this.#exchange(kind, track);
        else if (track !== this.#tracks.get(kind)) track?.stop();
      });
    } catch (error) {
      this.#tracks.setActive(kind, false);
      throw error;
    } finally {
      this.#reopening.delete(kind);
    }
  }

  async #replace(track: MediaStreamTrack): Promise<void> {
    const kind = track.kind === 'audio' ? 'audio' : 'video';
    const before = this.#tracks.get(kind);
    if (!before || track.readyState === 'ended') {
      throw new RejoinError(
        'PUBLISHER_PROPERTIES_ERROR',
        before ? `The ${kind} track has ended.` : `The publisher has no ${kind} track to replace.`,
        before ? 'Pass a track that is live.' : `Make a publisher that begins with ${kind}.`,
      );
    }
    if (before === track) return;
    await this.#exchange(kind, track);
    const [value, oldValue] = [track, before].map(({ label }) => ({ label: label.slice(0, LABEL_LENGTH) }));
    if (!value || !oldValue) return;
    const property = kind === 'audio' ? 'audioTrack' : 'videoTrack';
    this.#change({ property, value, reason: 'trackReplaced' }, oldValue);
    if (kind === 'video') this.#dimensions.trackReplaced();
  }

  /** Exchanges tracks one after the other, so that the last one stays. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#exchanges.then(work);
    this.#exchanges = turn.catch(() => {});
    return turn;
  }

  async #exchange(kind: MediaKind, track: MediaStreamTrack): Promise<void> {
    await this.#sent?.replaceTrack(kind, track);
    this.#tracks.put(kind, track);
    // It may have been published anew meanwhile.
    this.#sent?.align(kind);
    this.listenAnew();
  }

  #change(change: StreamChange, oldValue: StreamPropertyValue): void {
    const { property: changedProperty, value: newValue, reason } = change;
    const told = { changedProperty, newValue, oldValue, reason };
    this.stream.change(change);
    if (this.#sent) return this.#sent.change(change, told);
    this.emitEvent('streamPropertyChanged', new StreamPropertyChangedEvent<StreamManager>(this, this.stream, told));
  }

  #readDimensions(): VideoDimensions | undefined {
    const track = this.#tracks.get('video');
    if (!track?.enabled || this.#tracks.hasEnded('video')) return undefined;
    // A phone that is turned says so in the picture only. While a screen is shared, this page may be in the background.
    const shown = this.videos.find(({ video }) => video.videoWidth > 0 && !video.paused)?.video;
    if (shown && !this.#echo && this.stream.typeOfVideo !== 'SCREEN')
      return { width: shown.videoWidth, height: shown.videoHeight };
    const { width, height } = track.getSettings();
    return width && height ? { width, height } : undefined;
  }

  #resized(value: VideoDimensions, isOtherTrack: boolean): void {
    this.#sent?.fit();
    const { typeOfVideo, videoDimensions } = this.stream;
    // If the size was not known before, the device has not been turned.
    const isNew = isOtherTrack || videoDimensions.width === 0;
    const reason = isNew ? 'trackReplaced' : typeOfVideo === 'SCREEN' ? 'screenResized' : 'deviceRotated';
    this.#change({ property: 'videoDimensions', value, reason }, videoDimensions);
  }
}
worksInProxies(Publisher);

import { AdvancedConfiguration, type PublisherSpeakingEventsOptions } from '../advanced-configuration.ts';
import {
  type AccessDeniedEvent,
  PublisherSpeakingEvent,
  type StreamEvent,
  StreamManagerEvent,
  type StreamPropertyChangedEvent,
  VideoElementEvent,
} from '../events.ts';
import { worksInProxies } from '../reactive-proxy.ts';
import type { Session } from '../session/session.ts';
import type { Stream } from '../session/stream.ts';
import { TypedEmitter } from '../typed-emitter.ts';
import { newMediaStream } from './devices.ts';
import { SpeechWatch } from './speech-watch.ts';
import type { StreamAudience } from './stream-audience.ts';
import {
  findTarget,
  insertModeOf,
  insertVideo,
  MIRRORED,
  type VideoInsertMode,
  type VideoTarget,
} from './video-placement.ts';

/** A `<video>` that shows the stream. */
export interface StreamManagerVideo {
  /** The element. */
  readonly video: HTMLVideoElement;
  /** The element's id. */
  readonly id: string;
  /** Where the SDK has put it; `undefined` of the application's. */
  readonly targetElement?: HTMLElement;
  /** How it was put there; `undefined` of the application's. */
  readonly insertMode?: VideoInsertMode;
  /** Whether the SDK has made it, and removes it. */
  readonly owned: boolean;
}

/** Events of publishers and subscribers, by the names for `on`, `once` and `off`. */
export interface StreamManagerEvents {
  /** The SDK has put a video into the page. Later listeners get it, too. */
  videoElementCreated: VideoElementEvent;
  /** The SDK has taken one of its videos out of the page. */
  videoElementDestroyed: VideoElementEvent;
  /** The first of its videos plays. Emitted once; later listeners get it, too. A rebuild does not repeat it. */
  streamPlaying: StreamManagerEvent;
  /** It has been muted, unmuted, changed in size, or has another source, or another track in this page. */
  streamPropertyChanged: StreamPropertyChangedEvent<StreamManager>;
  /** Its audio is louder than the threshold for a while: see `publisherSpeakingEventsOptions`. */
  publisherStartSpeaking: PublisherSpeakingEvent<StreamManager>;
  /** And no longer, for a second. */
  publisherStopSpeaking: PublisherSpeakingEvent<StreamManager>;
  /** `value: { newValue, oldValue }`, dB from -100 (silence) to 0. As often as `publisherSpeakingEventsOptions` say. */
  streamAudioVolumeChange: StreamManagerEvent;
  /** Of a publisher: it is published. Later listeners get it, too. */
  streamCreated: StreamEvent<StreamManager>;
  /** Of a publisher: no longer. Default action: its sources are closed, its videos go. */
  streamDestroyed: StreamEvent<StreamManager>;
  /** Of a publisher: its sources are open. Later listeners get it, too. */
  accessAllowed: StreamManagerEvent;
  /** Of a publisher: its sources cannot be opened. Later listeners get it, too. */
  accessDenied: AccessDeniedEvent;
  /** Of a publisher: access takes more than two seconds, so most likely the browser asks the user for it. */
  accessDialogOpened: StreamManagerEvent;
  /** Of a publisher: and it does no longer. */
  accessDialogClosed: StreamManagerEvent;
}

/** Which manager each video shows: a video shows one. */
const managers = new WeakMap<HTMLVideoElement, StreamManager>();

/** A listener for any of these makes the SDK measure the stream's audio. */
const HEARD = ['publisherStartSpeaking', 'publisherStopSpeaking', 'streamAudioVolumeChange'] as const;

/** The common part of publishers and subscribers: a MediaStream for life, and the videos that show it. */
export abstract class StreamManager extends TypedEmitter<StreamManagerEvents> {
  /** The same object for life: tracks are exchanged inside it, so that videos never need a new source. */
  readonly mediaStream = newMediaStream();
  /** The videos that show it, in the order in which they came. */
  readonly videos: StreamManagerVideo[] = [];
  /** `true` for a subscriber, whose stream is another client's. */
  abstract readonly remote: boolean;
  /** A subscriber's: the stream's id at the time of `subscribe()`. A publisher's: a name of its own. */
  abstract readonly id: string;
  /** The stream that is received, published, or about to be published. */
  abstract readonly stream: Stream;
  /** Where its video was put last. Its type is OpenVidu's: without a video of the SDK's, it is `undefined`. */
  targetElement!: HTMLElement;
  protected readonly configuration: AdvancedConfiguration;
  #playing = false;
  #stopped: readonly HTMLVideoElement[] = [];
  /** The application's videos that were not muted before they showed this stream. */
  readonly #silenced = new WeakSet<HTMLVideoElement>();
  #audience: StreamAudience | undefined;
  #speaking: PublisherSpeakingEventsOptions = {};
  readonly #speech = new SpeechWatch({
    track: () => this.#heardTrack(),
    settings: () => ({ ...this.configuration.speaking, ...this.#speaking }),
    hearing: {
      started: () => this.#speak('publisherStartSpeaking'),
      stopped: () => this.#speak('publisherStopSpeaking'),
      volumeChanged: (newValue, oldValue) => {
        const name = 'streamAudioVolumeChange';
        this.emitEvent(name, new StreamManagerEvent(name, this, { newValue, oldValue }));
      },
    },
  });

  /** @internal */
  constructor(configuration = new AdvancedConfiguration()) {
    super();
    this.configuration = configuration;
  }

  /** The session that it was subscribed to or published in. Its type is OpenVidu's: before `publish()` it is `undefined`. */
  get session(): Session {
    return this.stream.connection?.session;
  }

  /** The connection that carries the media now. */
  abstract get peerConnection(): RTCPeerConnection | undefined;

  /**
   * Shows the stream in a video of the application's, which is set to play by itself and without controls.
   * @returns 1 when it did not show a stream of the SDK before, 0 when it shows this one already, -1 when it showed
   *   another that it is taken from
   */
  addVideoElement(video: HTMLVideoElement): 1 | 0 | -1 {
    const before = managers.get(video);
    if (before === this) return 0;
    if (before) before.#forget(video);
    video.id ||= this.#videoId;
    this.#show(video, { video, id: video.id, owned: false });
    return before ? -1 : 1;
  }

  /**
   * Makes a video that shows the stream. Its id begins with `local-video-` or `remote-video-`.
   * @param target an element or its id
   * @param insertMode where it is put, relative to the target; default `APPEND`
   * @throws {RejoinError} GENERIC_ERROR when there is no such element
   */
  createVideoElement(target?: VideoTarget, insertMode?: VideoInsertMode | string): HTMLVideoElement {
    const element = findTarget(target);
    this.targetElement = element;
    const video = document.createElement('video');
    video.id = this.#videoId;
    const mode = insertModeOf(insertMode);
    this.#show(video, { video, id: video.id, targetElement: element, insertMode: mode, owned: true });
    insertVideo(video, element, mode);
    this.emitEvent('videoElementCreated', new VideoElementEvent('videoElementCreated', this, video));
    return video;
  }

  /**
   * Sets how the audio of this stream is measured, over what `setAdvancedConfiguration` says; what is left out stays.
   * @param options `interval`: ms; `threshold`: dB below full scale
   */
  updatePublisherSpeakingEventsOptions(options: PublisherSpeakingEventsOptions): void {
    this.#speaking = { ...this.#speaking, ...options };
  }

  /** @internal The session that it belongs to now, and that may want to know who speaks. */
  heardBy(audience: StreamAudience | undefined): void {
    this.#audience = audience;
    this.listenAnew();
  }

  /** @internal The audio, or who listens for it, may be another by now. */
  listenAnew(): void {
    this.#speech.refresh();
  }

  /** The videos that the SDK made leave the page, the application's show nothing any more. */
  removeAllVideos(): void {
    for (const { video, owned } of this.videos.splice(0)) {
      this.#release(video);
      video.srcObject = null;
      if (!owned) continue;
      video.remove();
      this.emitEvent('videoElementDestroyed', new VideoElementEvent('videoElementDestroyed', this, video));
    }
  }

  /** @internal The page is about to be frozen, which stops its videos for good. */
  suspend(): void {
    this.#stopped = this.videos.flatMap(({ video }) => (video.paused ? [] : video));
  }

  /** @internal The page runs again, and so do the videos that ran before. */
  resume(): void {
    for (const video of this.#stopped) if (managers.get(video) === this) video.play().catch(() => {});
    this.#stopped = [];
  }

  /** @internal What its videos show. */
  get shownStream(): MediaStream {
    return this.mediaStream;
  }

  /** Its videos show something else from now on. */
  protected presentAnew(): void {
    for (const { video } of this.videos) this.#present(video);
  }

  /** Whether videos show it as a mirror would. */
  protected get isMirrored(): boolean {
    return false;
  }

  /** Whether one of its videos has played. */
  protected get isPlaying(): boolean {
    return this.#playing;
  }

  protected get audience(): StreamAudience | undefined {
    return this.#audience;
  }

  /** A video begins to show it. */
  protected shown(): void {}

  protected override listenersChanged(name: keyof StreamManagerEvents): void {
    if (HEARD.some((heard) => heard === name)) this.listenAnew();
  }

  protected override lateEvent(
    name: keyof StreamManagerEvents,
  ): StreamManagerEvents[keyof StreamManagerEvents] | undefined {
    if (name === 'videoElementCreated') {
      const made = this.videos.find(({ owned }) => owned);
      return made && new VideoElementEvent('videoElementCreated', this, made.video);
    }
    if (name === 'streamPlaying' && this.#playing) return new StreamManagerEvent('streamPlaying', this);
    return undefined;
  }

  get #videoId(): string {
    return `${this.remote ? 'remote' : 'local'}-video-${this.id}`;
  }

  #show(video: HTMLVideoElement, entry: StreamManagerVideo): void {
    managers.set(video, this);
    this.videos.push(entry);
    video.autoplay = true;
    video.controls = false;
    video.playsInline = true;
    video.addEventListener('playing', this.#onPlaying);
    this.#present(video);
    this.shown();
  }

  /** Gives the video its stream, muted and mirrored if it is local. */
  #present(video: HTMLVideoElement): void {
    const { shownStream } = this;
    const isLocal = !this.remote && shownStream === this.mediaStream;
    if (!isLocal) this.#unmask(video);
    // Users do not want to hear their own voice, a moment later.
    if (isLocal && !video.muted) {
      video.muted = true;
      this.#silenced.add(video);
    }
    if (isLocal && this.isMirrored) video.style.transform = MIRRORED;
    // Setting the same stream again would restart the video.
    if (video.srcObject !== shownStream) video.srcObject = shownStream;
  }

  /** Takes back the muting and mirroring of a local video. */
  #unmask(video: HTMLVideoElement): void {
    if (this.#silenced.delete(video)) video.muted = false;
    if (video.style.transform === MIRRORED) video.style.transform = '';
  }

  /** It shows this no longer, and is as it was before. */
  #release(video: HTMLVideoElement): void {
    managers.delete(video);
    video.removeEventListener('playing', this.#onPlaying);
    this.#unmask(video);
  }

  #forget(video: HTMLVideoElement): void {
    const at = this.videos.findIndex((entry) => entry.video === video);
    if (at >= 0) this.videos.splice(at, 1);
    this.#release(video);
  }

  /** `undefined` where nobody wants to know, or there is none. */
  #heardTrack(): MediaStreamTrack | undefined {
    const isHeard = HEARD.some((name) => this.hasListeners(name)) || this.#audience?.hearsSpeech;
    return isHeard ? this.mediaStream.getAudioTracks().find(({ readyState }) => readyState === 'live') : undefined;
  }

  #speak(type: 'publisherStartSpeaking' | 'publisherStopSpeaking'): void {
    const { connection, streamId } = this.stream;
    this.emitEvent(type, new PublisherSpeakingEvent<StreamManager>(type, this, connection, streamId));
    this.#audience?.speaking(type, this.stream);
  }

  readonly #onPlaying = (): void => {
    if (this.#playing) return;
    this.#playing = true;
    this.emitEvent('streamPlaying', new StreamManagerEvent('streamPlaying', this));
  };
}
worksInProxies(StreamManager);

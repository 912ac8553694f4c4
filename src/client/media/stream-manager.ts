import { RejoinError } from '../errors.ts';
import { type StreamEvent, StreamManagerEvent, type StreamPropertyChangedEvent, VideoElementEvent } from '../events.ts';
import type { Stream } from '../session/stream.ts';
import { TypedEmitter } from '../typed-emitter.ts';
import { findTarget, insertVideo, type VideoInsertMode, type VideoTarget } from './video-placement.ts';

/** A `<video>` that shows the stream. `owned`: made by the SDK, and removed by it. */
export interface StreamManagerVideo {
  readonly video: HTMLVideoElement;
  readonly id: string;
  readonly targetElement?: HTMLElement;
  readonly insertMode?: VideoInsertMode;
  readonly owned: boolean;
}

export interface StreamManagerEvents {
  videoElementCreated: VideoElementEvent;
  videoElementDestroyed: VideoElementEvent;
  /** The first of its videos plays. A rebuild is not a new beginning: it is said once. */
  streamPlaying: StreamManagerEvent;
  streamPropertyChanged: StreamPropertyChangedEvent<StreamManager>;
  /** A publisher's stream is published, or no longer. */
  streamCreated: StreamEvent<StreamManager>;
  streamDestroyed: StreamEvent<StreamManager>;
  accessAllowed: StreamManagerEvent;
  accessDenied: StreamManagerEvent;
  accessDialogOpened: StreamManagerEvent;
  accessDialogClosed: StreamManagerEvent;
}

/** Which manager each video shows: a video shows one. */
const managers = new WeakMap<HTMLVideoElement, StreamManager>();

/** What publishers and subscribers share: one MediaStream for life, and the videos that show it. */
export abstract class StreamManager extends TypedEmitter<StreamManagerEvents> {
  /** The same object for life: tracks are exchanged inside it, so that videos never need a new source. */
  readonly mediaStream = new MediaStream();
  readonly videos: StreamManagerVideo[] = [];
  abstract readonly remote: boolean;
  abstract readonly id: string;
  /** What is published or subscribed to; of a publisher, once it is published. */
  abstract readonly stream: Stream | undefined;
  targetElement: HTMLElement | undefined;
  #playing = false;
  #stopped: readonly HTMLVideoElement[] = [];

  /** The connection that carries the media now. */
  abstract get peerConnection(): RTCPeerConnection | undefined;

  /**
   * Shows the stream in a video of the application's.
   * @returns 1 when it did not show a stream of the SDK before, 0 when it shows this one already, -1 when it showed
   *   another that it is taken from
   */
  addVideoElement(video: HTMLVideoElement): 1 | 0 | -1 {
    const before = managers.get(video);
    if (before === this) return 0;
    if (before) before.#forget(video);
    this.#show(video, { video, id: video.id, owned: false });
    return before ? -1 : 1;
  }

  /**
   * Makes a video that shows the stream.
   * @param target an element or its id
   * @throws {RejoinError} GENERIC_ERROR when there is no such element
   */
  createVideoElement(target: VideoTarget, insertMode: VideoInsertMode = 'APPEND'): HTMLVideoElement {
    const element = findTarget(target);
    if (!element) {
      throw new RejoinError(
        'GENERIC_ERROR',
        `The page has no element "${String(target)}".`,
        'Pass an element, or the id of one that is in the page by now.',
      );
    }
    this.targetElement = element;
    const video = document.createElement('video');
    video.id = `${this.remote ? 'remote' : 'local'}-video-${this.id}`;
    video.autoplay = true;
    video.controls = false;
    this.#show(video, { video, id: video.id, targetElement: element, insertMode, owned: true });
    insertVideo(video, element, insertMode);
    this.emitEvent('videoElementCreated', new VideoElementEvent('videoElementCreated', this, video));
    return video;
  }

  /** For the SDK's own use: the videos it made leave the page, the application's show nothing any more. */
  removeVideos(): void {
    for (const { video, owned } of this.videos.splice(0)) {
      managers.delete(video);
      video.removeEventListener('playing', this.#onPlaying);
      video.srcObject = null;
      if (!owned) continue;
      video.remove();
      this.emitEvent('videoElementDestroyed', new VideoElementEvent('videoElementDestroyed', this, video));
    }
  }

  /** For the SDK's own use: the page is about to be frozen, which stops its videos for good. */
  suspend(): void {
    this.#stopped = this.videos.flatMap(({ video }) => (video.paused ? [] : video));
  }

  /** For the SDK's own use: the page runs again, and so do the videos that ran before. */
  resume(): void {
    for (const video of this.#stopped) if (managers.get(video) === this) video.play().catch(() => {});
    this.#stopped = [];
  }

  /** How a video of this stream is to look and sound. */
  protected abstract dress(video: HTMLVideoElement): void;

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

  #show(video: HTMLVideoElement, entry: StreamManagerVideo): void {
    managers.set(video, this);
    this.videos.push(entry);
    video.playsInline = true;
    this.dress(video);
    video.addEventListener('playing', this.#onPlaying);
    video.srcObject = this.mediaStream;
  }

  #forget(video: HTMLVideoElement): void {
    const at = this.videos.findIndex((entry) => entry.video === video);
    if (at >= 0) this.videos.splice(at, 1);
    video.removeEventListener('playing', this.#onPlaying);
    managers.delete(video);
  }

  readonly #onPlaying = (): void => {
    if (this.#playing) return;
    this.#playing = true;
    this.emitEvent('streamPlaying', new StreamManagerEvent('streamPlaying', this));
  };
}

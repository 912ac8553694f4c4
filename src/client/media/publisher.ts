import type { types } from 'mediasoup-client';
import { randomText } from '../../protocol/ids.ts';
import type { MediaKind, StreamEndReason } from '../../protocol/model.ts';
import { RejoinError } from '../errors.ts';
import { StreamEvent, StreamManagerEvent, StreamPropertyChangedEvent } from '../events.ts';
import type { Stream } from '../session/stream.ts';
import { type CapturedMedia, captureMedia, type MediaSources } from './devices.ts';
import type { Outgoing, OutgoingTrack, PublishDetail } from './media-plane.ts';
import { StreamManager, type StreamManagerEvents } from './stream-manager.ts';
import type { VideoInsertMode } from './video-placement.ts';

export interface PublisherProperties extends MediaSources {
  /** Begins unmuted; default `true`. */
  readonly publishAudio?: boolean;
  /** Begins with the camera on; default `true`. */
  readonly publishVideo?: boolean;
  /** Default `APPEND`. */
  readonly insertMode?: VideoInsertMode;
  /** Whether local videos are shown mirrored; default `true`. */
  readonly mirror?: boolean;
}

/** Where a publisher's session changes what others see of it. */
export interface PublishedAt {
  setActive(stream: Stream, kind: MediaKind, active: boolean): Promise<void>;
  unpublish(publisher: Publisher): void;
}

type Access = 'asking' | 'allowed' | 'denied';

/** This page's camera and microphone, or screen. Made by `initPublisher`, published by `session.publish`. */
export class Publisher extends StreamManager {
  readonly remote = false;
  readonly id: string;
  readonly properties: PublisherProperties;
  /** Settles when the sources are open, or denied. */
  readonly ready: Promise<CapturedMedia>;
  stream: Stream | undefined;
  #access: Access = 'asking';
  #captured: CapturedMedia | undefined;
  #outgoing: Outgoing | undefined;
  #at: PublishedAt | undefined;
  #peerConnection: (() => RTCPeerConnection | undefined) | undefined;
  readonly #active: Record<MediaKind, boolean>;

  constructor(properties: PublisherProperties = {}) {
    super();
    this.properties = properties;
    this.id = randomText(10);
    this.#active = { audio: properties.publishAudio ?? true, video: properties.publishVideo ?? true };
    this.ready = this.#capture();
    // Those who do not publish it learn of a failure from `accessDenied`.
    this.ready.catch(() => {});
  }

  get accessAllowed(): boolean {
    return this.#access === 'allowed';
  }

  get peerConnection(): RTCPeerConnection | undefined {
    return this.#peerConnection?.();
  }

  /** Mutes or unmutes the microphone, for everyone. Before `publish`, what it begins with. */
  publishAudio(enabled: boolean): Promise<void> {
    return this.#setActive('audio', enabled);
  }

  /** Turns the camera's picture off or on, for everyone. */
  publishVideo(enabled: boolean): Promise<void> {
    return this.#setActive('video', enabled);
  }

  /** Ends the publishing and closes the sources. */
  dispose(): void {
    this.#at?.unpublish(this);
    this.closeSources();
  }

  /** For the SDK's own use: what to send. Waits for the sources. */
  async outgoingTracks(key: string): Promise<{ tracks: OutgoingTrack[]; detail: PublishDetail }> {
    const { audio, video, typeOfVideo } = await this.ready;
    const tracks: OutgoingTrack[] = [];
    if (audio) tracks.push({ kind: 'audio', track: audio, active: this.#active.audio });
    if (video) tracks.push({ kind: 'video', track: video, active: this.#active.video });
    const { width, height, frameRate } = video?.getSettings() ?? {};
    return {
      tracks,
      detail: {
        key,
        ...(typeOfVideo ? { typeOfVideo } : {}),
        ...(frameRate === undefined ? {} : { frameRate }),
        ...(width && height ? { videoDimensions: { width, height } } : {}),
      },
    };
  }

  /** For the SDK's own use: published, for the first time or anew after a crash. */
  published(
    stream: Stream,
    outgoing: Outgoing,
    at: PublishedAt,
    peerConnection: () => RTCPeerConnection | undefined,
  ): void {
    const isNew = this.stream !== stream;
    this.stream = stream;
    stream.streamManager = this;
    this.#outgoing = outgoing;
    this.#at = at;
    this.#peerConnection = peerConnection;
    // Muted or unmuted while the publishing was on its way.
    for (const [kind, producer] of outgoing.producers) {
      // What cannot be said now is said when the stream is published again.
      if (producer.paused === this.#active[kind]) this.#apply(kind, producer, stream, at).catch(() => {});
    }
    if (isNew) this.emitEvent('streamCreated', new StreamEvent('streamCreated', this, stream));
  }

  /** For the SDK's own use. */
  unpublished(reason: StreamEndReason): void {
    const { stream } = this;
    for (const producer of this.#outgoing?.producers.values() ?? []) producer.close();
    this.#outgoing = undefined;
    this.#at = undefined;
    this.#peerConnection = undefined;
    this.stream = undefined;
    if (!stream) return;
    const event = new StreamEvent('streamDestroyed', this, stream, reason);
    this.emitEvent('streamDestroyed', event);
    if (!event.isDefaultPrevented()) {
      this.removeVideos();
      this.closeSources();
    }
  }

  /** Closes camera and microphone. */
  closeSources(): void {
    for (const track of [this.#captured?.audio, this.#captured?.video]) {
      if (!track) continue;
      track.stop();
      this.mediaStream.removeTrack(track);
    }
  }

  protected override dress(video: HTMLVideoElement): void {
    // One's own voice, a moment later, is nothing anyone wants to hear.
    video.muted = true;
    if (this.properties.mirror ?? true) video.style.transform = 'rotateY(180deg)';
  }

  protected override lateEvent(
    name: keyof StreamManagerEvents,
  ): StreamManagerEvents[keyof StreamManagerEvents] | undefined {
    if (name === 'accessAllowed' && this.#access === 'allowed') return new StreamManagerEvent(name, this);
    if (name === 'accessDenied' && this.#access === 'denied') return new StreamManagerEvent(name, this);
    if (name === 'streamCreated' && this.stream) return new StreamEvent<StreamManager>(name, this, this.stream);
    return super.lateEvent(name);
  }

  async #capture(): Promise<CapturedMedia> {
    // Listeners attached right after initPublisher hear of the dialog, too.
    await Promise.resolve();
    this.emitEvent('accessDialogOpened', new StreamManagerEvent('accessDialogOpened', this));
    try {
      const captured = await captureMedia(this.properties);
      this.#captured = captured;
      for (const track of [captured.audio, captured.video]) if (track) this.mediaStream.addTrack(track);
      if (captured.audio) captured.audio.enabled = this.#active.audio;
      if (captured.video) captured.video.enabled = this.#active.video;
      this.#access = 'allowed';
      this.emitEvent('accessAllowed', new StreamManagerEvent('accessAllowed', this));
      return captured;
    } catch (cause) {
      this.#access = 'denied';
      const error =
        cause instanceof RejoinError
          ? cause
          : new RejoinError('GENERIC_ERROR', String(cause), 'Check the sources that were asked for.', { cause });
      this.emitEvent('accessDenied', new StreamManagerEvent('accessDenied', this, error));
      throw error;
    } finally {
      this.emitEvent('accessDialogClosed', new StreamManagerEvent('accessDialogClosed', this));
    }
  }

  async #setActive(kind: MediaKind, active: boolean): Promise<void> {
    this.#active[kind] = active;
    const track = this.#captured?.[kind];
    if (track) track.enabled = active;
    const producer = this.#outgoing?.producers.get(kind);
    if (this.stream && producer && this.#at) await this.#apply(kind, producer, this.stream, this.#at);
  }

  async #apply(kind: MediaKind, producer: types.Producer, stream: Stream, at: PublishedAt): Promise<void> {
    const active = this.#active[kind];
    if (active) producer.resume();
    else producer.pause();
    if (stream.setActive(kind, active)) {
      const property = kind === 'audio' ? 'audioActive' : 'videoActive';
      this.emitEvent(
        'streamPropertyChanged',
        new StreamPropertyChangedEvent<StreamManager>(this, stream, property, active, !active),
      );
    }
    await at.setActive(stream, kind, active);
  }
}

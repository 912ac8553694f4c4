import type { types } from 'mediasoup-client';
import type { MediaKind } from '../../protocol/model.ts';
import type { Stream } from '../session/stream.ts';
import { firstFrame } from './first-frame.ts';
import type { Incoming } from './media-plane.ts';
import { StreamManager } from './stream-manager.ts';
import type { VideoInsertMode } from './video-placement.ts';

export interface SubscriberProperties {
  /** Default `APPEND`. */
  readonly insertMode?: VideoInsertMode;
  /** Whether the stream's audio is played; default `true`. */
  readonly subscribeToAudio?: boolean;
  /** Whether the stream's video is shown; default `true`. */
  readonly subscribeToVideo?: boolean;
}

/** How long a new track may take to show something before the old one is looked at, and how often that is done. */
const FIRST_FRAME_MS = 2_000;
const FIRST_FRAME_ROUNDS = 5;

/** A remote stream in this page. Made by `session.subscribe`. */
export class Subscriber extends StreamManager {
  readonly remote = true;
  readonly id: string;
  readonly stream: Stream;
  readonly properties: SubscriberProperties;
  readonly #enabled: Record<MediaKind, boolean>;
  #consumers: readonly types.Consumer[] = [];
  #peerConnection: (() => RTCPeerConnection | undefined) | undefined;
  /** Counts what it was given to show: an older exchange that ends late must not undo a newer one. */
  #generation = 0;

  constructor(stream: Stream, properties: SubscriberProperties = {}) {
    super();
    this.stream = stream;
    this.id = stream.streamId;
    this.properties = properties;
    this.#enabled = { audio: properties.subscribeToAudio ?? true, video: properties.subscribeToVideo ?? true };
    stream.streamManager = this;
  }

  get peerConnection(): RTCPeerConnection | undefined {
    return this.#peerConnection?.();
  }

  /** Plays or silences the stream's audio, in this page only. */
  subscribeToAudio(enabled: boolean): this {
    return this.#enable('audio', enabled);
  }

  /** Shows or hides the stream's video, in this page only. */
  subscribeToVideo(enabled: boolean): this {
    return this.#enable('video', enabled);
  }

  /**
   * For the SDK's own use: the stream comes from here now. What was shown stays until the new plays, and the exchange
   * happens inside the MediaStream, so that videos and their owners notice nothing.
   * @returns once the new plays
   */
  async play({ consumers }: Incoming, peerConnection: () => RTCPeerConnection | undefined): Promise<void> {
    this.#generation += 1;
    const generation = this.#generation;
    const video = consumers.find(({ kind }) => kind === 'video')?.track;
    // On a machine that is short of breath the new picture may take long; as long as the old one moves, it stays.
    for (let round = 0; video && round < FIRST_FRAME_ROUNDS && this.#isMoving(); round += 1) {
      if ((await firstFrame(video, FIRST_FRAME_MS)) || generation !== this.#generation) break;
    }
    if (generation !== this.#generation) {
      for (const consumer of consumers) consumer.close();
      return;
    }
    const before = this.mediaStream.getTracks();
    for (const { track, kind } of consumers) {
      track.enabled = this.#enabled[kind];
      this.mediaStream.addTrack(track);
    }
    for (const track of before) this.mediaStream.removeTrack(track);
    for (const consumer of this.#consumers) consumer.close();
    this.#consumers = consumers;
    this.#peerConnection = peerConnection;
  }

  /** For the SDK's own use: the stream has ended, or is not wanted any more. */
  stop(): void {
    this.#generation += 1;
    for (const consumer of this.#consumers) {
      this.mediaStream.removeTrack(consumer.track);
      consumer.close();
    }
    this.#consumers = [];
    this.#peerConnection = undefined;
    if (this.stream.streamManager === this) this.stream.streamManager = undefined;
  }

  protected override dress(): void {
    // Remote videos are shown as they are.
  }

  /** Whether there is a picture that is worth keeping: a track whose media no longer arrives is `muted`. */
  #isMoving(): boolean {
    return this.mediaStream.getVideoTracks().some(({ readyState, muted }) => readyState === 'live' && !muted);
  }

  #enable(kind: MediaKind, enabled: boolean): this {
    this.#enabled[kind] = enabled;
    for (const consumer of this.#consumers) if (consumer.kind === kind) consumer.track.enabled = enabled;
    return this;
  }
}

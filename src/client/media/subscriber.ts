import type { types } from 'mediasoup-client';
import type { MediaKind } from '../../protocol/model.ts';
import type { AdvancedConfiguration } from '../advanced-configuration.ts';
import { worksInProxies } from '../reactive-proxy.ts';
import type { Stream } from '../session/stream.ts';
import { firstFrame } from './first-frame.ts';
import type { Incoming } from './media-plane.ts';
import type { StreamAudience } from './stream-audience.ts';
import { StreamManager } from './stream-manager.ts';
import type { VideoInsertMode } from './video-placement.ts';

/** How a stream is received and shown. */
export interface SubscriberProperties {
  /** Where the video is put, relative to its target; default `APPEND`. */
  readonly insertMode?: VideoInsertMode | string;
  /** Whether the stream's audio is played; default `true`. */
  readonly subscribeToAudio?: boolean;
  /** Whether the stream's video is shown; default `true`. */
  readonly subscribeToVideo?: boolean;
}

/** @internal What a subscriber is made with, besides its properties. */
export interface SubscriberSurroundings {
  readonly configuration?: AdvancedConfiguration;
  readonly audience?: StreamAudience;
}

/** How long a new track may take to show something before the old one is looked at, and how often that is done. */
const FIRST_FRAME_MS = 2_000;
const FIRST_FRAME_ROUNDS = 5;
/** How long new sound may take to arrive. */
const FIRST_SOUND_MS = 10_000;
/** How far a new picture stays behind the old one until it is shown: what a jitter buffer may have come to on a good network. */
const BEHIND_MS = 100;

/** A remote stream in this page. Made by `session.subscribe`. */
export class Subscriber extends StreamManager {
  /** Always. */
  readonly remote = true;
  /** The stream's id when it was subscribed to. */
  readonly id: string;
  /** What it receives: the same object for life. */
  readonly stream: Stream;
  /** What it was made with. */
  readonly properties: SubscriberProperties;
  readonly #enabled: Record<MediaKind, boolean>;
  #consumers: readonly types.Consumer[] = [];
  #peerConnection: (() => RTCPeerConnection | undefined) | undefined;
  /** Counts what it was given to show: an older exchange that ends late must not undo a newer one. */
  #generation = 0;

  #isTold = false;
  #playTimer: ReturnType<typeof setTimeout> | undefined;

  /** @internal */
  constructor(
    stream: Stream,
    properties: SubscriberProperties = {},
    { configuration, audience }: SubscriberSurroundings = {},
  ) {
    super(configuration);
    this.stream = stream;
    this.id = stream.streamId;
    this.properties = properties;
    this.#enabled = { audio: properties.subscribeToAudio ?? true, video: properties.subscribeToVideo ?? true };
    stream.managedBy(this);
    this.heardBy(audience);
  }

  /** The connection that carries it now. */
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
   * @internal The stream comes from here now. What was shown stays until the new plays, and the exchange
   * happens inside the MediaStream, so that videos and their owners notice nothing.
   * @returns once the new plays
   */
  async play({ consumers }: Incoming, peerConnection: () => RTCPeerConnection | undefined): Promise<void> {
    this.#generation += 1;
    const generation = this.#generation;
    await Promise.all(
      consumers.map(async (consumer) => {
        const { kind, track, rtpReceiver } = consumer;
        await (kind === 'video' ? this.#untilShown(consumer, generation) : this.#untilHeard(consumer, generation));
        if (generation !== this.#generation) return consumer.close();
        const before = this.mediaStream.getTracks().filter((other) => other.kind === kind);
        track.enabled = this.#enabled[kind];
        this.mediaStream.addTrack(track);
        for (const other of before) this.mediaStream.removeTrack(other);
        if (kind === 'video') delayPlayout(rtpReceiver, null);
        // Shown from here on: an exchange that comes in between must not end it.
        this.#consumers = [...this.#consumers, consumer];
      }),
    );
    if (generation !== this.#generation) return;
    for (const other of this.#consumers) {
      if (consumers.includes(other)) continue;
      this.mediaStream.removeTrack(other.track);
      other.close();
    }
    this.#consumers = consumers;
    this.#peerConnection = peerConnection;
    this.listenAnew();
  }

  /** @internal It has nothing to play, although its stream should: told once, whatever goes wrong besides. */
  cannotPlay(message: string, data?: unknown): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.audience?.exception('NO_STREAM_PLAYING_EVENT', message, { origin: this, data });
  }

  /** @internal The stream has ended, or is not wanted any more. */
  stop(): void {
    this.#generation += 1;
    for (const consumer of this.#consumers) {
      this.mediaStream.removeTrack(consumer.track);
      consumer.close();
    }
    this.#consumers = [];
    this.#peerConnection = undefined;
    clearTimeout(this.#playTimer);
    this.heardBy(undefined);
    if (this.stream.manager === this) this.stream.managedBy(undefined);
  }

  protected override shown(): void {
    const ms = this.configuration.noStreamPlayingTimeout;
    this.#playTimer ??= setTimeout(() => {
      const { streamId, hasAudio, audioActive, hasVideo, videoActive } = this.stream;
      // What is muted altogether does not play.
      if (this.isPlaying || !((hasAudio && audioActive) || (hasVideo && videoActive))) return;
      this.cannotPlay(
        `Stream ${streamId} has not begun to play within ${ms} ms. Check the network, and whether the browser lets it play.`,
      );
    }, ms);
  }

  /** Waits until the picture of `next` can be shown in place of the one that is, for as long as that moves. */
  async #untilShown({ track, rtpReceiver }: types.Consumer, generation: number): Promise<void> {
    // A new path is a little quicker than one that has met some delays. The change would leave out what it has shown already,
    // and the old one has not.
    if (this.#moving) delayPlayout(rtpReceiver, BEHIND_MS);
    for (let still = 0; still < FIRST_FRAME_ROUNDS && generation === this.#generation; ) {
      const before = this.#moving;
      if (!before) return;
      let moves = false;
      void firstFrame(before, FIRST_FRAME_MS).then((seen) => {
        moves = seen;
      });
      if (await firstFrame(track, FIRST_FRAME_MS)) {
        // The very first is shown at once, those that follow after the delay.
        if (moves) await firstFrame(track, FIRST_FRAME_MS);
        return;
      }
      // On a machine that is short of breath, or over a bad path, the new picture may take long. A still one has less time.
      still = moves ? 0 : still + 1;
    }
  }

  /** Waits until the sound of `next` arrives, if there is sound to lose. */
  async #untilHeard(next: types.Consumer, generation: number): Promise<void> {
    const until = performance.now() + FIRST_SOUND_MS;
    while (
      generation === this.#generation &&
      this.mediaStream.getAudioTracks().length > 0 &&
      this.stream.audioActive &&
      performance.now() < until
    ) {
      let packets = 0;
      (await next.getStats()).forEach(({ packetsReceived }) => {
        packets += packetsReceived ?? 0;
      });
      if (packets) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** A picture that is worth keeping: a track whose media no longer arrives is `muted`. */
  get #moving(): MediaStreamTrack | undefined {
    if (!this.stream.videoActive) return undefined;
    return this.mediaStream.getVideoTracks().find(({ readyState, muted }) => readyState === 'live' && !muted);
  }

  #enable(kind: MediaKind, enabled: boolean): this {
    this.#enabled[kind] = enabled;
    this.stream.setShown(kind, enabled);
    for (const consumer of this.#consumers) if (consumer.kind === kind) consumer.track.enabled = enabled;
    return this;
  }
}
worksInProxies(Subscriber);

/** `ms` of at least this delay; `null`: as short as the network allows, which browsers come back to without a jump. */
function delayPlayout(receiver: RTCRtpReceiver | undefined, ms: number | null): void {
  // Where the browser does not know it, a frame may be left out.
  if (receiver && 'jitterBufferTarget' in receiver) receiver.jitterBufferTarget = ms;
}

import type { types } from 'mediasoup-client';
import type { MediaKind } from '../../protocol/model.ts';
import type { AdvancedConfiguration } from '../advanced-configuration.ts';
import type { StreamPropertyChange } from '../events.ts';
import { worksInProxies } from '../reactive-proxy.ts';
import type { Stream } from '../session/stream.ts';
import { handover, type Played, type Reception } from './handover.ts';
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
  /** Told of each track that has taken the place of another. Default: its listeners are told, and those of the audience. */
  readonly changed?: (change: StreamPropertyChange) => void;
}

/** How far a new picture stays behind the old one until it is shown: what a jitter buffer may have come to on a good network. */
const BEHIND_MS = 100;

/** @internal */
export type PlayedBefore = ReadonlyMap<types.Consumer, Played>;

/** A remote stream in this page. Made by `session.subscribe`. */
export class Subscriber extends StreamManager {
  /** Always. */
  readonly remote = true;
  /** The stream's id when it was subscribed to. */
  readonly id: string;
  /** The received stream: the same object for life. */
  readonly stream: Stream;
  /** The properties passed at creation. */
  readonly properties: SubscriberProperties;
  readonly #enabled: Record<MediaKind, boolean>;
  #consumers: readonly types.Consumer[] = [];
  #peerConnection: (() => RTCPeerConnection | undefined) | undefined;
  /** Counts what it was given to show: an older exchange that ends late must not undo a newer one. */
  #generation = 0;
  readonly #changed: (change: StreamPropertyChange) => void;
  #isTold = false;
  #playTimer: ReturnType<typeof setTimeout> | undefined;

  /** @internal */
  constructor(
    stream: Stream,
    properties: SubscriberProperties = {},
    {
      configuration,
      audience,
      changed = (change) => audience?.streamChanged(stream, change),
    }: SubscriberSurroundings = {},
  ) {
    super(configuration);
    this.stream = stream;
    this.#changed = changed;
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
   * @param before `played`, when it was asked for
   * @returns once the new plays, or will as soon as there is something to play
   */
  async play(
    { consumers }: Incoming,
    peerConnection: () => RTCPeerConnection | undefined,
    before: PlayedBefore,
  ): Promise<void> {
    this.#generation += 1;
    const generation = this.#generation;
    await Promise.all(consumers.map((consumer) => this.#exchange(consumer, before, generation)));
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

  /** @internal What has been played so far: what has not moved when the next comes is not waited for. */
  get played(): PlayedBefore {
    const at = performance.now();
    return new Map(this.#consumers.map((consumer) => [consumer, { last: receptionOf(consumer).last, at }]));
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
      // A muted stream does not play.
      if (this.isPlaying || !((hasAudio && audioActive) || (hasVideo && videoActive))) return;
      this.cannotPlay(
        `Stream ${streamId} has not begun to play within ${ms} ms. Check the network, and whether the browser lets it play.`,
      );
    }, ms);
  }

  /** Plays `next` in place of what is played of its kind, when it is time. */
  async #exchange(next: types.Consumer, before: PlayedBefore, generation: number): Promise<void> {
    const { kind, track, rtpReceiver } = next;
    const isWanted = (): boolean => generation === this.#generation && this.#isActive(kind);
    const old = this.#consumers.findLast((consumer) => consumer.kind === kind);
    if (old) {
      await handover({
        kind,
        old: receptionOf(old),
        before: before.get(old) ?? { last: undefined, at: performance.now() },
        next: receptionOf(next),
        isWanted,
        // A new path is a little quicker than one that has met some delays. The change would leave out what it has shown
        // already, and the old one has not.
        moves: () => kind === 'video' && delayPlayout(rtpReceiver, BEHIND_MS),
      });
    }
    if (generation !== this.#generation) return next.close();
    const former = this.mediaStream.getTracks().filter((other) => other.kind === kind);
    track.enabled = this.#enabled[kind];
    // In this order: a video in Firefox shows nothing any more where the other track is added first.
    for (const other of former) this.mediaStream.removeTrack(other);
    this.mediaStream.addTrack(track);
    if (kind === 'video') delayPlayout(rtpReceiver, null);
    // Shown from here on: an exchange that comes in between must not end it.
    this.#consumers = [...this.#consumers, next];
    // An application that records or analyses the tracks has to go on with this one.
    const [oldValue] = former;
    if (oldValue) {
      this.#changed({ changedProperty: `${kind}Track`, newValue: track, oldValue, reason: 'trackReplaced' });
    }
  }

  #isActive(kind: MediaKind): boolean {
    return kind === 'video' ? this.stream.videoActive : this.stream.audioActive;
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

function receptionOf({ track, rtpReceiver }: types.Consumer): Reception {
  return {
    get isLive() {
      return track.readyState === 'live';
    },
    get last() {
      return rtpReceiver?.getSynchronizationSources()[0]?.rtpTimestamp;
    },
  };
}

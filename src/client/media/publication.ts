import type { types } from 'mediasoup-client';
import type { MediaKind, StreamChange } from '../../protocol/model.ts';
import { RejoinError } from '../errors.ts';
import { activeChange, type StreamPropertyChange } from '../events.ts';
import type { Stream } from '../session/stream.ts';
import { fitEncodings, needsOf } from './encodings.ts';
import { type LayerReading, LayerWatch } from './layer-watch.ts';
import type { LocalTracks } from './local-tracks.ts';
import type { Outgoing } from './media-plane.ts';
import type { Publisher } from './publisher.ts';
import type { StreamAudience } from './stream-audience.ts';
import type { Subscriber } from './subscriber.ts';

/** Where a publisher's session changes what others see of it. */
export interface PublishedAt {
  readonly audience: StreamAudience;
  setActive(stream: Stream, kind: MediaKind, active: boolean): Promise<void>;
  /** So many layers of the video are sent now, counted from the smallest. */
  setLayers(stream: Stream, layers: number): Promise<void>;
  /** Tells the others. */
  change(stream: Stream, change: StreamChange): Promise<void>;
  unpublish(publisher: Publisher): void;
  /** Receives a stream from the server, this client's own. */
  play(subscriber: Subscriber): Promise<void>;
  unsubscribe(subscriber: Subscriber): void;
}

export interface PublicationOptions {
  readonly stream: Stream;
  readonly tracks: LocalTracks;
  readonly outgoing: Outgoing;
  readonly at: PublishedAt;
  /** Whether video is sent in several layers. */
  readonly isSimulcast: boolean;
  /** The connection that carries the stream. */
  readonly peerConnection: () => RTCPeerConnection | undefined;
}

/** A publisher's stream as it is sent now; after a crash, and where the media moves, there is another. */
export class Publication {
  readonly #options: PublicationOptions;
  readonly #layers: LayerWatch | undefined;

  constructor(options: PublicationOptions) {
    this.#options = options;
    const encodings = this.#producer('video')?.rtpParameters.encodings ?? [];
    if (encodings.length < 2) return;
    this.#layers = new LayerWatch({
      read: () => this.#readLayers(),
      // A report that fails is outdated by the time it could be repeated.
      changed: (layers) => void options.at.setLayers(options.stream, layers).catch(() => {}),
    });
  }

  get at(): PublishedAt {
    return this.#options.at;
  }

  get peerConnection(): RTCPeerConnection | undefined {
    return this.#options.peerConnection();
  }

  /** Applies tracks and mute states that have changed while the publish was under way. */
  catchUp(): void {
    const { outgoing, tracks } = this.#options;
    for (const [kind, producer] of outgoing.producers) {
      this.align(kind);
      if (producer.paused === tracks.isActive(kind)) void this.applyActive(kind);
    }
    this.fit();
  }

  /** Sends the video in the layers that fit its size, which may be another by now. */
  fit(): void {
    const sender = this.#producer('video')?.rtpSender;
    if (!sender?.track) return;
    const parameters = sender.getParameters();
    const encodings = fitEncodings(parameters.encodings, sender.track, this.#options.isSimulcast);
    if (
      encodings.every(({ scaleResolutionDownBy, active }, at) => {
        const known = parameters.encodings[at];
        return known?.scaleResolutionDownBy === scaleResolutionDownBy && known?.active === active;
      })
    )
      return;
    // A browser that refuses them goes on with those it has.
    sender.setParameters({ ...parameters, encodings }).catch(() => {});
  }

  /** Sends the publisher's track of this kind, if that is another one by now. */
  align(kind: MediaKind): void {
    const track = this.#options.tracks.get(kind);
    const producer = this.#producer(kind);
    if (!track || !producer || producer.track === track || this.#options.tracks.hasEnded(kind)) return;
    producer.replaceTrack({ track }).then(
      () => this.fit(),
      () => {},
    );
  }

  /** Sends another track, which is about to be the publisher's. @throws {RejoinError} GENERIC_ERROR: the browser refuses it */
  async replaceTrack(kind: MediaKind, track: MediaStreamTrack): Promise<void> {
    const producer = this.#producer(kind);
    const { enabled } = track;
    track.enabled = this.#options.tracks.isActive(kind);
    try {
      await producer?.replaceTrack({ track });
      this.fit();
    } catch (cause) {
      // Ended meanwhile: what comes in its place is aligned.
      if (producer?.closed) return;
      track.enabled = enabled;
      throw new RejoinError(
        'GENERIC_ERROR',
        `The browser does not take the ${kind} track. (${String(cause)})`,
        'Pass a track of a source like the one before, or publish another stream.',
        { cause },
      );
    }
  }

  /** Mutes or unmutes it for everyone, as the tracks are. */
  async applyActive(kind: MediaKind): Promise<void> {
    const { stream, tracks, at } = this.#options;
    const producer = this.#producer(kind);
    if (!producer) return;
    const active = tracks.isActive(kind);
    if (active) producer.resume();
    else producer.pause();
    if (stream.setActive(kind, active)) at.audience.streamChanged(stream, activeChange(kind, active));
    // If this fails, the next publish of the stream carries the state.
    await at.setActive(stream, kind, active).catch(() => {});
  }

  /** Tells everyone of a change of the stream. */
  change(change: StreamChange, told: StreamPropertyChange): void {
    const { stream, at } = this.#options;
    at.audience.streamChanged(stream, told);
    // A size that cannot be said now is said when the stream is published again.
    at.change(stream, change).catch(() => {});
  }

  close(): void {
    this.stop();
    for (const producer of this.#options.outgoing.producers.values()) producer.close();
  }

  /** Another publication goes on from this one. */
  stop(): void {
    this.#layers?.stop();
  }

  async #readLayers(): Promise<LayerReading | undefined> {
    const producer = this.#producer('video');
    const sender = producer?.rtpSender;
    if (!sender?.track || producer?.paused) return undefined;
    const encodings = sender.getParameters().encodings.filter(({ active }) => active);
    const needs = needsOf(encodings, sender.track);
    const frames = new Map<unknown, number>();
    let room: number | undefined;
    (await sender.getStats()).forEach(({ type, rid, framesSent, availableOutgoingBitrate }) => {
      if (type === 'outbound-rtp') frames.set(rid, framesSent ?? 0);
      room ??= availableOutgoingBitrate;
    });
    return {
      layers: encodings.map(({ rid }, at) => ({ framesSent: frames.get(rid) ?? 0, needs: needs[at] ?? 0 })),
      room,
    };
  }

  #producer(kind: MediaKind): types.Producer | undefined {
    return this.#options.outgoing.producers.get(kind);
  }
}

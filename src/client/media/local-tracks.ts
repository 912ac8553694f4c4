import type { MediaKind } from '../../protocol/model.ts';
import { RejoinError } from '../errors.ts';
import type { VideoDimensions } from '../session/stream.ts';
import { type CapturedMedia, captureMedia, type MediaSources } from './devices.ts';
import { placeholderTrack } from './placeholder-track.ts';

export const MEDIA_KINDS: readonly MediaKind[] = ['audio', 'video'];

export interface LocalTracksOptions {
  /** Where the tracks are shown. */
  readonly mediaStream: MediaStream;
  /** Whether each begins unmuted. */
  readonly active: Readonly<Record<MediaKind, boolean>>;
  /** A track has ended by itself: its device is gone, or the user has ended the sharing of the screen. */
  readonly ended: (kind: MediaKind) => void;
  /** How devices are opened. */
  readonly capture?: (sources: MediaSources) => Promise<CapturedMedia>;
}

/** A publisher's own tracks, one of each kind: opened, muted, exchanged for others, freed, and opened again. */
export class LocalTracks {
  readonly #options: LocalTracksOptions;
  readonly #active: Record<MediaKind, boolean>;
  readonly #tracks: Partial<Record<MediaKind, MediaStreamTrack>> = {};
  /** As each was when it lived: an ended track tells nothing any more. */
  readonly #settings: Partial<Record<MediaKind, MediaTrackSettings>> = {};
  /** Rises when all is closed: what is opened late is closed at once. */
  #closings = 0;
  #isClosed = false;

  constructor(options: LocalTracksOptions) {
    this.#options = options;
    this.#active = { ...options.active };
  }

  /** Whether all has been closed since it was opened. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get(kind: MediaKind): MediaStreamTrack | undefined {
    return this.#tracks[kind];
  }

  isActive(kind: MediaKind): boolean {
    return this.#active[kind];
  }

  setActive(kind: MediaKind, active: boolean): void {
    this.#active[kind] = active;
    const track = this.#tracks[kind];
    if (track) track.enabled = active;
  }

  /** Whether there was one, and it gives nothing any more. */
  hasEnded(kind: MediaKind): boolean {
    return this.#tracks[kind]?.readyState === 'ended';
  }

  /** Opens what is asked for. @throws {RejoinError} why not */
  async open(sources: MediaSources): Promise<CapturedMedia> {
    this.#isClosed = false;
    const captured = await this.#capture(sources);
    for (const kind of MEDIA_KINDS) {
      const track = captured[kind];
      if (track) this.put(kind, track);
    }
    return captured;
  }

  /**
   * Opens the source of a track that has ended once more.
   * @returns the new track, to be put in its place; `undefined` when it is muted again by then
   * @throws {RejoinError} why it cannot be opened
   */
  async reopen(kind: MediaKind): Promise<MediaStreamTrack | undefined> {
    const track = (await this.#capture(this.#sourceOf(kind)))[kind];
    if (this.#active[kind]) return track;
    track?.stop();
    return undefined;
  }

  /** `track` takes the place of the one before, which is stopped. */
  put(kind: MediaKind, track: MediaStreamTrack): void {
    const before = this.#tracks[kind];
    if (before === track) return;
    // It was on its way when all was closed.
    if (this.#isClosed) return track.stop();
    track.enabled = this.#active[kind];
    this.#tracks[kind] = track;
    this.#settings[kind] = track.getSettings();
    track.addEventListener('ended', () => {
      if (this.#tracks[kind] === track) this.#options.ended(kind);
    });
    // In this order: a video in Firefox shows nothing any more where the other track is added first.
    if (before) this.#options.mediaStream.removeTrack(before);
    this.#options.mediaStream.addTrack(track);
    before?.stop();
  }

  /** The track to send for this kind; a placeholder if the own track has ended. */
  toSend(kind: MediaKind, dimensions: VideoDimensions): MediaStreamTrack | undefined {
    return this.hasEnded(kind) ? placeholderTrack(kind, dimensions) : this.#tracks[kind];
  }

  /** Gives the device back. The track stays, ended. */
  free(kind: MediaKind): void {
    const track = this.#tracks[kind];
    if (!track || this.hasEnded(kind)) return;
    this.#settings[kind] = track.getSettings();
    track.stop();
  }

  /** Ends all. */
  close(): void {
    this.#closings += 1;
    this.#isClosed = true;
    for (const kind of MEDIA_KINDS) {
      const track = this.#tracks[kind];
      delete this.#tracks[kind];
      if (!track) continue;
      track.stop();
      this.#options.mediaStream.removeTrack(track);
    }
  }

  async #capture(sources: MediaSources): Promise<CapturedMedia> {
    const closings = this.#closings;
    const captured = await (this.#options.capture ?? captureMedia)(sources);
    if (closings === this.#closings) return captured;
    captured.audio?.stop();
    captured.video?.stop();
    throw new RejoinError(
      'GENERIC_ERROR',
      'The publisher was disposed of while its sources were being opened.',
      'Make another publisher.',
    );
  }

  #sourceOf(kind: MediaKind): MediaSources {
    const { deviceId, displaySurface, width, height, frameRate } = this.#settings[kind] ?? {};
    if (kind === 'audio') return { audioSource: deviceId, videoSource: false };
    return {
      audioSource: false,
      videoSource: displaySurface ? 'screen' : deviceId,
      resolution: width && height ? `${width}x${height}` : undefined,
      frameRate: frameRate || undefined,
    };
  }
}

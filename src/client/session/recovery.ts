import type { ServerEvents, Snapshot } from '../../protocol/frames.ts';
import type { Plane } from '../media/media-plane.ts';
import type { Subscriber } from '../media/subscriber.ts';
import type { RecoveryKind } from '../recovery-events.ts';
import { delayBefore } from '../signaling/backoff.ts';
import type { Announcer } from './announcer.ts';
import type { Connection } from './connection.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Participants } from './participants.ts';
import type { SessionMedia } from './session-media.ts';

/** Time for participants to return after a crash, before they count as left. */
const MISSING_MS = 15_000;

/** Transports that fail again within this time are renewed with growing delays. */
const RENEWALS_MS = 60_000;

export interface RecoveryOptions {
  readonly lifecycle: Lifecycle;
  readonly participants: Participants;
  readonly media: SessionMedia;
  readonly announcer: Announcer;
  /** This client's own connection, once there is one. */
  readonly own: () => Connection | undefined;
}

/** Restores a session after crashes and moves of its media: the same objects, over new transports where necessary. */
export class Recovery {
  readonly #options: RecoveryOptions;
  /** Set while participants or streams from before a crash may still come back. */
  #missingTimer: ReturnType<typeof setTimeout> | undefined;

  /** The plane whose transports are being replaced. */
  #renewing: Plane | undefined;
  #renewals = 0;
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** The session is lost, for this client or for all: every participant may come back. */
  lose(): void {
    this.stop();
    this.#options.participants.lose();
  }

  /** A new life, of the session or of this client in it: same objects, new ids. */
  renew(snapshot: Snapshot, sameSession: boolean): void {
    const { lifecycle, participants } = this.#options;
    const { others, media, iceServers } = snapshot;
    this.#options.media.begin(media, iceServers);
    const { life } = lifecycle;
    this.#endStreams(snapshot);
    if (life !== lifecycle.life) return;
    participants.addAll(others);
    participants.depart(snapshot.departed);
    if (life !== lifecycle.life) return;
    if (sameSession) participants.forgetMissing('networkDisconnect');
    else this.#forgetMissingLater();
    void this.#bringMedia([], 'rebuild', lifecycle.troubleSince);
  }

  /** Another owner has taken over: announces only the differences. */
  reconcile(snapshot: Snapshot): void {
    const { self, others, media } = snapshot;
    const { lifecycle, participants } = this.#options;
    const moved = this.#options.media.move(media);
    // If the media has just moved, the new owner knows only the streams that are already back.
    const streamsMayReturn = moved || this.#missingTimer !== undefined;
    if (streamsMayReturn) this.#forgetMissingLater();
    const { life } = lifecycle;
    this.#endStreams(snapshot);
    if (life !== lifecycle.life) return;
    participants.depart(snapshot.departed);
    if (life !== lifecycle.life) return;
    participants.reconcile(others, streamsMayReturn);
    if (life !== lifecycle.life) return;
    if (moved) this.#followMedia();
    else this.#options.media.agreeOn(self.streams.map(({ streamId }) => streamId));
  }

  /** Ends streams of this client that the server ended while the client was away. */
  #endStreams({ endedStreams = [] }: Snapshot): void {
    for (const { streamId, reason } of endedStreams) this.#options.media.ended(streamId, reason);
  }

  /** The media has moved to another node. */
  mediaMoved({ media, isKept }: ServerEvents['mediaMoved']): void {
    if (this.#options.media.move(media, isKept)) this.#followMedia();
  }

  /** Replaces transports that no ICE restart can repair; ids stay the same. */
  async renewTransports(cause: string): Promise<void> {
    const { media, announcer, participants } = this.#options;
    const { plane } = media;
    // Both transports of a plane may report the same failure.
    if (plane === this.#renewing) return;
    this.#renewing = plane;
    const now = performance.now();
    if (now - this.#renewedAt > RENEWALS_MS) this.#renewals = 0;
    this.#renewals += 1;
    this.#renewedAt = now;
    const nextDelayMs = delayBefore(this.#renewals, { spreadMs: 0 }, Math.random);
    announcer.attempt('reconnecting', 'media', { cause, attempt: this.#renewals, nextDelayMs });
    await new Promise((resolve) => setTimeout(resolve, nextDelayMs));
    // If the media has moved or the session has a new life meanwhile, that brings new transports already.
    if (plane !== media.plane) return;
    media.renewTransports();
    await this.#bringMedia(participants.subscribers(), 'mediaRenewed', now);
  }

  /** The session has ended, so no participant is awaited any more. */
  stop(): void {
    clearTimeout(this.#missingTimer);
    this.#missingTimer = undefined;
  }

  /** Moves everything sent and received to the new media node, under the same ids. */
  #followMedia(): void {
    const { announcer, participants } = this.#options;
    announcer.attempt('reconnecting', 'media', { cause: 'nodeCrashed', attempt: 1, nextDelayMs: 0 });
    this.#forgetMissingLater();
    void this.#bringMedia(participants.subscribers(), 'mediaMoved');
  }

  /**
   * Publishes again, receives `subscribers`, and announces the recovery unless something new has happened meanwhile.
   */
  async #bringMedia(
    subscribers: readonly Subscriber[],
    kind: Exclude<RecoveryKind, 'resume'>,
    since = performance.now(),
  ): Promise<void> {
    const { lifecycle, media, announcer } = this.#options;
    const own = this.#options.own();
    if (!own) return;
    const { life } = lifecycle;
    const { plane } = media;
    await Promise.all([
      ...media.publishers.map((publisher) =>
        // `failed` has reported it to the application.
        media.publish(publisher, own).catch(() => {}),
      ),
      ...subscribers.map((subscriber) => media.play(subscriber)),
    ]);
    // If the media has moved again meanwhile, that move announces the recovery.
    if (plane !== media.plane) return;
    if (life !== lifecycle.life || lifecycle.state === 'ended' || lifecycle.state === 'rebuilding') return;
    media.renewed();
    announcer.recovered(kind === 'rebuild' ? 'rebuilt' : 'reconnected', kind, Math.round(performance.now() - since));
  }

  #forgetMissingLater(): void {
    this.stop();
    this.#missingTimer = setTimeout(() => {
      this.#missingTimer = undefined;
      this.#options.participants.forgetMissing('nodeCrashed');
    }, MISSING_MS);
  }
}

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

/** How long those who were there before a crash have to come back, before they are said to have left. */
const MISSING_MS = 15_000;

/** Transports that are given up again within so long are made anew less and less quickly. */
const RENEWALS_MS = 60_000;

export interface RecoveryOptions {
  readonly lifecycle: Lifecycle;
  readonly participants: Participants;
  readonly media: SessionMedia;
  readonly announcer: Announcer;
  /** This client's own connection, once there is one. */
  readonly own: () => Connection | undefined;
}

/** Brings back what a session was, over the crashes of those who serve it: same objects, and where they move, new transports. */
export class Recovery {
  readonly #options: RecoveryOptions;
  /** Set while those who were there before a crash, or their streams, may still come back. */
  #missingTimer: ReturnType<typeof setTimeout> | undefined;

  /** Whose transports are being given up. */
  #renewing: Plane | undefined;
  #renewals = 0;
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** The session is lost to this client, or to all: everyone may come back. */
  lose(): void {
    this.stop();
    this.#options.participants.lose();
  }

  /** Another life, of the session or of this client in it: same objects, new ids. */
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

  /** Another owner: nothing is told but what differs from what is known. */
  reconcile(snapshot: Snapshot): void {
    const { self, others, media } = snapshot;
    const { lifecycle, participants } = this.#options;
    const moved = this.#options.media.move(media);
    // Where the media has just moved, the new owner knows only those streams that are there again.
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

  /** Streams of this client that the server has ended while nobody could tell it. */
  #endStreams({ endedStreams = [] }: Snapshot): void {
    for (const { streamId, reason } of endedStreams) this.#options.media.ended(streamId, reason);
  }

  /** The media is hosted anew. */
  mediaMoved({ media, isKept }: ServerEvents['mediaMoved']): void {
    if (this.#options.media.move(media, isKept)) this.#followMedia();
  }

  /** This client's transports are beyond repair: it makes others, to where the media is, under the same ids. */
  async renewTransports(cause: string): Promise<void> {
    const { media, announcer, participants } = this.#options;
    const { plane } = media;
    // Each of them may be.
    if (plane === this.#renewing) return;
    this.#renewing = plane;
    const now = performance.now();
    if (now - this.#renewedAt > RENEWALS_MS) this.#renewals = 0;
    this.#renewals += 1;
    this.#renewedAt = now;
    const nextDelayMs = delayBefore(this.#renewals, { spreadMs: 0 }, Math.random);
    announcer.attempt('reconnecting', 'media', { cause, attempt: this.#renewals, nextDelayMs });
    await new Promise((resolve) => setTimeout(resolve, nextDelayMs));
    // Where the media has moved, or the session has another life, it is brought there.
    if (plane !== media.plane) return;
    media.renewTransports();
    await this.#bringMedia(participants.subscribers(), 'mediaRenewed', now);
  }

  /** It is over: nobody is waited for any more. */
  stop(): void {
    clearTimeout(this.#missingTimer);
    this.#missingTimer = undefined;
  }

  /** Everything that was sent and received is brought to where the media is now, under the same ids. */
  #followMedia(): void {
    const { announcer, participants } = this.#options;
    announcer.attempt('reconnecting', 'media', { cause: 'nodeCrashed', attempt: 1, nextDelayMs: 0 });
    this.#forgetMissingLater();
    void this.#bringMedia(participants.subscribers(), 'mediaMoved');
  }

  /** Sends again what was sent, and receives `subscribers`; that is told when it has worked and nothing new has come up. */
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
        // The application has been told of a failure.
        media.publish(publisher, own).catch(() => {}),
      ),
      ...subscribers.map((subscriber) => media.play(subscriber)),
    ]);
    // Where it has gone on from here, not everything plays yet, and that is seen to.
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

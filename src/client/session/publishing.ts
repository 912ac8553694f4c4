import { ProtocolError } from '../../protocol/errors.ts';
import { randomText, type StreamId } from '../../protocol/ids.ts';
import type { StreamEndReason } from '../../protocol/model.ts';
import type { Outgoing, Plane } from '../media/media-plane.ts';
import type { PublishedAt } from '../media/publication.ts';
import type { Publisher } from '../media/publisher.ts';
import type { Connection } from './connection.ts';
import { PUBLISHING, type PublishingEffect, type PublishingInput, type PublishingState } from './publishing-state.ts';
import { isLostToCrash } from './refusal.ts';

export interface PublishingParts {
  readonly publisher: Publisher;
  readonly at: PublishedAt;
  /** Resolves when the session is joined, or has returned. */
  readonly joined: () => Promise<void>;
  /** The plane to the present media node. @throws {ProtocolError} SESSION_CLOSED */
  readonly plane: () => Plane;
  /** Ends a stream at the server. */
  readonly endAtServer: (streamId: StreamId) => void;
  /** The published stream cannot be restored. */
  readonly failed: (error: unknown) => void;
  /** The application wants no stream, and there is none. */
  readonly over: () => void;
}

/** The data of an input, for its effects. */
interface Detail {
  readonly error?: unknown;
  readonly outgoing?: Outgoing;
  readonly plane?: Plane;
  readonly reason?: StreamEndReason;
  /** True if the server does not know yet that the stream ends. */
  readonly byClient?: boolean;
}

/** Drives the state table of one publisher in one session with inputs from the application, the server and crashes. */
export class Publishing {
  readonly #parts: PublishingParts;
  #state: PublishingState = 'idle';
  #isTold = false;
  #connection: Connection | undefined;
  /** Names the wanted stream: a repeated request in the same life of the session yields the same stream. */
  #key: string | undefined;
  /** The stream at the server, even if this client no longer sends it over the current plane. */
  #there: StreamId | undefined;
  /** Rises with each attempt, so that late results of an earlier one are dropped. */
  #round = 0;
  /**
   * The last attempt over the current plane, until it settles. The next one waits for it, so that quick calls of
   * publish and unpublish do not pile up streams.
   */
  #underWay: Promise<void> | undefined;
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(parts: PublishingParts) {
    this.#parts = parts;
  }

  /** Key of the wanted stream, if there is one. */
  get key(): string | undefined {
    return this.#key;
  }

  /** Whether the application knows of a stream, even one that is moving to another node. */
  get isTold(): boolean {
    return this.#isTold;
  }

  get isSent(): boolean {
    return this.#state === 'sent';
  }

  /**
   * @throws {ProtocolError} the server's refusal; STREAM_UNKNOWN, SESSION_CLOSED: the stream or the session has ended
   *   meanwhile
   */
  publish(connection: Connection): Promise<void> {
    this.#connection = connection;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#input('publish');
    });
  }

  /** The application no longer wants the stream, or it has ended. */
  end(
    reason: StreamEndReason,
    byClient: boolean,
    error = new ProtocolError('STREAM_UNKNOWN', 'ended meanwhile'),
  ): void {
    this.#input('end', { reason, byClient, error });
  }

  moved(): void {
    this.#underWay = undefined;
    this.#input('moved');
  }

  #input(input: PublishingInput, detail: Detail = {}): void {
    const found = PUBLISHING[this.#state][input];
    if (!found) return;
    const [next, ...effects] = found;
    this.#state = next;
    for (const effect of effects) {
      this.#effects[effect](detail);
      // Skip the remaining effects if a listener has changed the state meanwhile.
      if (this.#state !== next) return;
    }
    this.#rest();
  }

  #rest(): void {
    if (this.#state === 'idle' && !this.#underWay) this.#parts.over();
  }

  readonly #effects: Readonly<Record<PublishingEffect, (detail: Detail) => void>> = {
    wish: () => {
      this.#key = randomText(4);
    },
    prepare: () => {
      this.#round += 1;
      const attempt = this.#attempt(this.#round, this.#key ?? '', this.#underWay).then(() => {
        if (this.#underWay !== attempt) return;
        this.#underWay = undefined;
        this.#rest();
      });
      this.#underWay = attempt;
    },
    arrive: ({ outgoing, plane }) => {
      const { publisher, at } = this.#parts;
      if (!outgoing) return;
      publisher.stream.update(outgoing.stream);
      this.#connection?.addStream(publisher.stream);
      this.#isTold = true;
      publisher.published({ outgoing, at, peerConnection: () => plane?.sendPeerConnection });
    },
    settle: () => {
      for (const { resolve } of this.#waiting.splice(0)) resolve();
    },
    end: ({ error, reason = 'unpublish', byClient }) => this.#end(error, reason, byClient),
    refuse: ({ error }) => {
      const { publisher, at, failed } = this.#parts;
      if (!this.#isTold) {
        this.#drop(error, true);
        return publisher.release(at);
      }
      failed(error);
      // Nobody receives the stream any more, so end it here, too.
      this.#end(error, 'forceUnpublishByServer', true);
    },
  };

  #end(error: unknown, reason: StreamEndReason, byClient?: boolean): void {
    this.#drop(error, byClient);
    this.#isTold = false;
    this.#parts.publisher.unpublished(reason);
  }

  #drop(error: unknown, byClient?: boolean): void {
    if (this.#there && byClient) this.#parts.endAtServer(this.#there);
    this.#there = undefined;
    this.#key = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  async #attempt(round: number, key: string, before: Promise<void> | undefined): Promise<void> {
    const { publisher, joined, plane: planeNow, endAtServer } = this.#parts;
    const isWanted = (): boolean => round === this.#round && key === this.#key;
    try {
      await before;
      if (!isWanted()) return;
      const { tracks, detail } = await publisher.outgoingTracks(key, isWanted);
      await joined();
      if (!isWanted()) return;
      const plane = planeNow();
      this.#input('prepared');
      const outgoing = await plane.publish(tracks, detail, isWanted);
      const { streamId } = outgoing.stream;
      // The stream exists at the server even if this attempt is outdated; the next attempt under the same key
      // continues it.
      if (key === this.#key) this.#there = streamId;
      else endAtServer(streamId);
      if (isWanted()) return this.#input('answered', { outgoing, plane });
      for (const producer of outgoing.producers.values()) producer.close();
    } catch (error) {
      if (isWanted()) this.#input(isLostToCrash(error) ? 'lost' : 'refused', { error });
    }
  }
}

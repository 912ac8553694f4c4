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
  /** Resolves when the session is joined, or is back. */
  readonly joined: () => Promise<void>;
  /** The plane that leads to the media now. @throws {ProtocolError} SESSION_CLOSED */
  readonly plane: () => Plane;
  /** Ends a stream at the server. */
  readonly endAtServer: (streamId: StreamId) => void;
  /** It was published, and cannot be any more. */
  readonly failed: (error: unknown) => void;
  /** Nothing is wished of it, and nothing is there. */
  readonly over: () => void;
}

/** The data of an input, for its effects. */
interface Detail {
  readonly error?: unknown;
  readonly outgoing?: Outgoing;
  readonly plane?: Plane;
  readonly reason?: StreamEndReason;
  /** The server does not know yet that it is to end. */
  readonly byClient?: boolean;
}

/** Drives the table of one publisher in one session with the words of the application and of the server, and with crashes. */
export class Publishing {
  readonly #parts: PublishingParts;
  #state: PublishingState = 'idle';
  #isTold = false;
  #connection: Connection | undefined;
  /** Names the stream that is wished: asked for again in the same life of the session, it is the same stream. */
  #key: string | undefined;
  /** The stream at the server, even if this client sends it over the current plane no more. */
  #there: StreamId | undefined;
  /** Rises with each attempt: what comes late of another is dropped. */
  #round = 0;
  /**
   * The last attempt over what leads to the media now, until it has come to its end. The next one waits for it, so that a publisher
   * that is published and unpublished quickly does not pile up streams.
   */
  #underWay: Promise<void> | undefined;
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(parts: PublishingParts) {
    this.#parts = parts;
  }

  /** Of the stream that is wished, while one is. */
  get key(): string | undefined {
    return this.#key;
  }

  /** Whether the application knows of a stream, which may be on its way to another place. */
  get isTold(): boolean {
    return this.#isTold;
  }

  get isSent(): boolean {
    return this.#state === 'sent';
  }

  /** @throws {ProtocolError} the server's refusal; STREAM_UNKNOWN, SESSION_CLOSED: the wish, or the session, is over meanwhile */
  publish(connection: Connection): Promise<void> {
    this.#connection = connection;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#input('publish');
    });
  }

  /** It is not wished any more. */
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
      // An application that acts in the middle of an event has the last word.
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
      // Nobody sees what is not there any more, so nothing may look as if somebody did.
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
      // Under the same key it goes on, if not from here.
      if (key === this.#key) this.#there = streamId;
      else endAtServer(streamId);
      if (isWanted()) return this.#input('answered', { outgoing, plane });
      for (const producer of outgoing.producers.values()) producer.close();
    } catch (error) {
      if (isWanted()) this.#input(isLostToCrash(error) ? 'lost' : 'refused', { error });
    }
  }
}

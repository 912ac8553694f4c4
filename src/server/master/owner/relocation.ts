import { setTimeout as delay } from 'node:timers/promises';
import type { MediaPlace } from '../../../protocol/frames.ts';
import type { Logger } from '../../shared/logging.ts';
import type { FailoverPolicy } from '../../store/store.ts';
import type { Hosting } from './hosting.ts';
import type { MediaRoom } from './media-room.ts';

/** How long old media goes on beside the new. A client lets it linger for 4 s after it has moved. */
const MIGRATION_OVERLAP_MS = 6_000;

export interface RelocationParts {
  readonly hosting: Hosting;
  readonly failover: FailoverPolicy;
  readonly log: Logger;
  readonly isOpen: () => boolean;
  /** Nothing of what the members send and receive is there any more. */
  readonly loseMedia: () => void;
  /** Tells the members where the media is now. */
  readonly moved: (media: MediaPlace) => void;
  /** The session cannot go on. */
  readonly crash: () => Promise<void>;
  /** A room at a node that was taken for dead: should the node be back, it is to be closed there. */
  readonly abandoned: (room: MediaRoom) => void;
}

/** Moves a session's media when its node is gone, or is about to go. */
export class Relocation {
  readonly #parts: RelocationParts;
  /** The room that is being left. */
  #leaving: MediaRoom | undefined;

  constructor(parts: RelocationParts) {
    this.#parts = parts;
  }

  /**
   * The media node, or the worker that carried the room, is gone. With policy `takeover` the media is hosted elsewhere and
   * every client makes new transports; ids and streams stay. `silent`: the node may be back.
   */
  async lost(room: MediaRoom, how: 'gone' | 'silent'): Promise<void> {
    const { hosting, failover, log, isOpen, loseMedia, moved, crash, abandoned } = this.#parts;
    if (!isOpen() || hosting.room !== room) return;
    if (failover === 'rebuild') {
      if (how === 'silent') abandoned(room);
      return crash();
    }
    log.warn({ mediaNode: room.node }, 'The media is gone and is hosted anew.');
    loseMedia();
    try {
      moved((await hosting.move()).media);
      if (how === 'silent' && hosting.room?.node !== room.node) abandoned(room);
    } catch (error) {
      log.error({ err: error }, 'The media cannot be hosted anywhere.');
      await crash();
    }
  }

  /**
   * The media node is about to end: the media is hosted elsewhere while the old goes on, which clients let go when the new
   * plays.
   */
  async migrate(): Promise<void> {
    const { hosting, log, isOpen, loseMedia, moved } = this.#parts;
    const { room } = hosting;
    if (!isOpen() || !room || this.#leaving === room) return;
    this.#leaving = room;
    log.info({ mediaNode: room.node }, 'The media node drains: the media moves.');
    try {
      const { media } = await hosting.migrate();
      loseMedia();
      moved(media);
      await delay(MIGRATION_OVERLAP_MS);
      room.attempt('closeRoom', {});
    } catch (error) {
      // It goes on where it is, until that ends: then it is lost like any other.
      this.#leaving = undefined;
      log.error({ err: error }, 'The media cannot be moved away from a media node that drains.');
    }
  }

  /** The word that a media node drains moves what is there; this is for what was just on its way there. */
  leaveIfDraining(): void {
    if (this.#parts.hosting.isDraining) void this.migrate();
  }
}

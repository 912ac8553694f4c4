import { setTimeout as delay } from 'node:timers/promises';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Inventory } from '../../media-node/api.ts';
import type { InstanceId } from '../../shared/identity.ts';
import type { Logger } from '../../shared/logging.ts';
import type { SessionRecord } from '../../store/store.ts';
import type { LiveNode } from '../cluster/directory.ts';
import type { MediaRoom, Placed, Placement } from './media-room.ts';

/** How long a session whose media node is gone looks for another, and how often. */
const MEDIA_PATIENCE_MS = 15_000;
const MEDIA_RETRY_MS = 250;

export interface HostingParts {
  readonly record: SessionRecord;
  readonly owner: InstanceId;
  readonly placement: Placement;
  readonly log: Logger;
  /** Writes down where the media is. @throws {ProtocolError} the session is not to be placed any more, or not now */
  readonly placed: (mediaNode: InstanceId) => Promise<void>;
  readonly isOpen: () => boolean;
  /** The media node says that it has no such room. */
  readonly gone: (room: MediaRoom) => void;
}

/** Where a session's media is: nowhere before the first member joins, then at a media node, and after its death at another. */
export class Hosting {
  readonly #parts: HostingParts;
  #media: Promise<Placed> | undefined;
  #room: MediaRoom | undefined;

  constructor(parts: HostingParts) {
    this.#parts = parts;
  }

  get room(): MediaRoom | undefined {
    return this.#room;
  }

  /** The room; the session is placed when it is asked for the first time. @throws {ProtocolError} UNAVAILABLE */
  media(): Promise<Placed> {
    this.#media ??= this.#keep(this.#place());
    return this.#media;
  }

  /** Whether the media is at a node that is about to end. */
  get isDraining(): boolean {
    return this.#room !== undefined && this.#parts.placement.drains(this.#room.node);
  }

  /** The media node is gone: finds another. @throws {ProtocolError} UNAVAILABLE when there is none for long */
  move(): Promise<Placed> {
    const lost = this.#media;
    this.#room = undefined;
    this.#media = this.#keep(this.#moveFrom(lost));
    return this.#media;
  }

  /** The media node is about to end: finds another, and changes nothing if there is none. @throws {ProtocolError} */
  async migrate(): Promise<Placed> {
    const before = this.#room;
    // Lost while another place was looked for, it is looked for by `move`.
    const placed = await this.#placeAgain(() => this.#room === before);
    this.#media = Promise.resolve(placed);
    return placed;
  }

  /**
   * What a crashed owner has left at the media node; `undefined` when that is gone too, and the media is hosted anew.
   * @throws {ProtocolError} UNAVAILABLE
   */
  async adopt(node: LiveNode | undefined): Promise<Inventory | undefined> {
    const { placement, record, owner, log } = this.#parts;
    try {
      if (!node) throw new ProtocolError('UNAVAILABLE', 'the media node is dead');
      const placed = await placement.adopt(record, node, owner);
      const inventory = await placed.room.command('inventory', {});
      this.#use(placed.room);
      this.#media = Promise.resolve(placed);
      return inventory;
    } catch (error) {
      log.warn({ err: error, mediaNode: record.mediaNode }, 'The media is gone with the owner and is hosted anew.');
      await this.move();
      return undefined;
    }
  }

  /** What has failed is tried again when it is asked for again. */
  #keep(placing: Promise<Placed>): Promise<Placed> {
    const kept = placing.catch((error: unknown) => {
      if (this.#media === kept) this.#media = undefined;
      throw error;
    });
    return kept;
  }

  async #moveFrom(lost: Promise<Placed> | undefined): Promise<Placed> {
    const before = await lost?.catch(() => undefined);
    const placed = await this.#placeAgain();
    if (placed.media.id !== before?.media.id) return placed;
    // The node is back and the only one: a room with all that was in it, which nobody here knows of any more.
    await placed.room.command('closeRoom', {});
    return this.#placeAgain();
  }

  async #placeAgain(isWanted: () => boolean = () => true): Promise<Placed> {
    const until = performance.now() + MEDIA_PATIENCE_MS;
    for (;;) {
      try {
        return await this.#place();
      } catch (error) {
        if (!this.#parts.isOpen() || !isWanted() || performance.now() > until) throw error;
        await delay(MEDIA_RETRY_MS);
      }
    }
  }

  async #place(): Promise<Placed> {
    const { placement, record, owner, log } = this.#parts;
    const placed = await placement.place(record, owner);
    const { room } = placed;
    try {
      await this.#parts.placed(room.node);
      if (!this.#parts.isOpen()) throw new ProtocolError('SESSION_CLOSED');
    } catch (error) {
      // Nobody would ever close it: its owner, this master, goes on listening to the media node.
      room.attempt('closeRoom', {});
      throw error;
    }
    this.#use(room);
    log.info({ mediaNode: room.node }, 'The session is placed.');
    return placed;
  }

  #use(room: MediaRoom): void {
    this.#room = room;
    room.gone = () => this.#parts.gone(room);
  }
}

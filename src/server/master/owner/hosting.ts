import { setTimeout as delay } from 'node:timers/promises';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Inventory } from '../../media-node/api.ts';
import type { InstanceId } from '../../shared/identity.ts';
import type { Logger } from '../../shared/logging.ts';
import type { SessionRecord } from '../../store/store.ts';
import type { LiveNode } from '../cluster/directory.ts';
import type { MediaRoom, Placed, Placement, PlacementWishes } from './media-room.ts';
import type { RoomsLeft } from './rooms-left.ts';

/** For how long a session without a media node looks for another, and how often. */
const MEDIA_PATIENCE_MS = 15_000;
const MEDIA_RETRY_MS = 250;

export interface HostingParts {
  readonly record: SessionRecord;
  readonly owner: InstanceId;
  readonly placement: Placement;
  readonly log: Logger;
  /** Records where the media is. @throws {ProtocolError} when the session may not be placed there, or not now */
  readonly placed: (mediaNode: InstanceId) => Promise<void>;
  readonly isOpen: () => boolean;
  /** Called when the media node says that it has no such room. */
  readonly gone: (room: MediaRoom) => void;
  /** Rooms that the session's media has moved away from. */
  readonly left: Pick<RoomsLeft, 'nodes' | 'forget'>;
}

export interface MigrationWishes extends Pick<PlacementWishes, 'never'> {
  /** Whether the move is still needed. */
  readonly isWanted: () => boolean;
}

/** The location of a session's media: nowhere before the first join, then a media node, and after a node's death another. */
export class Hosting {
  readonly #parts: HostingParts;
  #media: Promise<Placed> | undefined;
  /** The present location, or the last one if the media is lost. */
  #placed: Placed | undefined;
  #isLost = false;
  /** The search for another location. All callers share one, whatever their reasons. */
  #search: Promise<Placed> | undefined;

  constructor(parts: HostingParts) {
    this.#parts = parts;
  }

  get room(): MediaRoom | undefined {
    return this.placed?.room;
  }

  get placed(): Placed | undefined {
    return this.#isLost ? undefined : this.#placed;
  }

  /** Resolves with the room. The first call places the session. @throws {ProtocolError} UNAVAILABLE */
  media(): Promise<Placed> {
    this.#media ??= this.#keep(this.#place());
    return this.#media;
  }

  /** Whether the present media node drains. */
  get isDraining(): boolean {
    return this.room !== undefined && this.#parts.placement.drains(this.room.node);
  }

  /**
   * Finds another location after the media is lost; callers of `media()` wait for it.
   * @throws {ProtocolError} UNAVAILABLE when no media node has taken the session for 15 s
   */
  move(): Promise<Placed> {
    this.#isLost = true;
    this.#media = this.#keep(this.#elsewhere({ isWanted: () => true }));
    return this.#media;
  }

  /** Finds another location while the media stays where it is. @throws {ProtocolError} UNAVAILABLE, and nothing has changed */
  migrate(wishes: MigrationWishes): Promise<Placed> {
    return this.#elsewhere(wishes);
  }

  /**
   * Takes over the room that a crashed owner left; `undefined` when the room is gone, too, and the media is hosted anew.
   * @throws {ProtocolError} UNAVAILABLE
   */
  async adopt(node: LiveNode | undefined): Promise<Inventory | undefined> {
    const { placement, record, owner, log } = this.#parts;
    try {
      if (!node) throw new ProtocolError('UNAVAILABLE', 'the media node is dead');
      const placed = await placement.adopt(record, node, owner);
      const inventory = await placed.room.command('inventory', {});
      this.#use(placed);
      return inventory;
    } catch (error) {
      log.warn(
        { err: error, mediaNode: record.mediaNode },
        'The room of the former owner is gone; hosting the media anew.',
      );
      await this.move();
      return undefined;
    }
  }

  /** Keeps the result for later callers. After a failure, the next caller tries again. */
  #keep(placing: Promise<Placed>): Promise<Placed> {
    const kept = placing.catch((error: unknown) => {
      if (this.#media === kept) this.#media = undefined;
      throw error;
    });
    return kept;
  }

  #elsewhere(wishes: MigrationWishes): Promise<Placed> {
    this.#search ??= this.#find(wishes).finally(() => {
      this.#search = undefined;
    });
    return this.#search;
  }

  async #find({ never, isWanted }: MigrationWishes): Promise<Placed> {
    const until = performance.now() + MEDIA_PATIENCE_MS;
    for (;;) {
      try {
        return await this.#place(never);
      } catch (error) {
        if (!this.#parts.isOpen() || !(this.#isLost || isWanted()) || performance.now() > until) throw error;
        await delay(MEDIA_RETRY_MS);
      }
    }
  }

  async #place(never?: InstanceId): Promise<Placed> {
    const { log } = this.#parts;
    const placed = await this.#openEmpty(never);
    const { room } = placed;
    try {
      await this.#parts.placed(room.node);
      if (!this.#parts.isOpen()) throw new ProtocolError('SESSION_CLOSED');
    } catch (error) {
      // The media node keeps this room for as long as this master is alive, so it must be closed explicitly. Wait for the answer: a
      // late close would end the room that the next caller opens.
      await room.command('closeRoom', {}).catch(() => {});
      throw error;
    }
    this.#use(placed);
    log.info({ mediaNode: room.node }, 'Placed the session on a media node.');
    return placed;
  }

  /**
   * Opens an empty room. An existing room holds media that this owner doesn't know: this session left it, or another owner used it in
   * between. Clients would take that media for current and publish none. So an existing room is closed and a new one opened.
   */
  async #openEmpty(never?: InstanceId): Promise<Placed> {
    const { placement, record, owner, left } = this.#parts;
    const open = (): Promise<Placed> => placement.place(record, owner, { never, last: left.nodes });
    const placed = await open();
    if (!placed.wasThere) return placed;
    left.forget(placed.media.id);
    await placed.room.command('closeRoom', {});
    const next = await open();
    if (next.wasThere) throw new ProtocolError('UNAVAILABLE', 'the room is not empty');
    return next;
  }

  #use(placed: Placed): void {
    this.#placed = placed;
    this.#isLost = false;
    this.#media = Promise.resolve(placed);
    placed.room.gone = () => this.#parts.gone(placed.room);
  }
}

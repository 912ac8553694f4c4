import { setTimeout as delay } from 'node:timers/promises';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Inventory } from '../../media-node/api.ts';
import type { InstanceId } from '../../shared/identity.ts';
import type { Logger } from '../../shared/logging.ts';
import type { SessionRecord } from '../../store/store.ts';
import type { LiveNode } from '../cluster/directory.ts';
import type { MediaRoom, Placed, Placement, PlacementWishes } from './media-room.ts';
import type { RoomsLeft } from './rooms-left.ts';

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
  /** The rooms that are being left. */
  readonly left: Pick<RoomsLeft, 'nodes' | 'forget'>;
}

export interface MigrationWishes extends Pick<PlacementWishes, 'never'> {
  /** Whether the media is still to move. */
  readonly isWanted: () => boolean;
}

/** Where a session's media is: nowhere before the first member joins, then at a media node, and after its death at another. */
export class Hosting {
  readonly #parts: HostingParts;
  #media: Promise<Placed> | undefined;
  /** Where it is, or was last. */
  #placed: Placed | undefined;
  #isLost = false;
  /** Another place is being looked for: once at a time, whatever the reasons. */
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

  /** The room; the session is placed when it is asked for the first time. @throws {ProtocolError} UNAVAILABLE */
  media(): Promise<Placed> {
    this.#media ??= this.#keep(this.#place());
    return this.#media;
  }

  /** Whether the media is at a node that is about to end. */
  get isDraining(): boolean {
    return this.room !== undefined && this.#parts.placement.drains(this.room.node);
  }

  /**
   * The media is gone: finds another place, for which all wait that ask for it.
   * @throws {ProtocolError} UNAVAILABLE when there is none for long
   */
  move(): Promise<Placed> {
    this.#isLost = true;
    this.#media = this.#keep(this.#elsewhere({ isWanted: () => true }));
    return this.#media;
  }

  /** Finds another place, and leaves the media where it is until then. @throws {ProtocolError} UNAVAILABLE; nothing has changed */
  migrate(wishes: MigrationWishes): Promise<Placed> {
    return this.#elsewhere(wishes);
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
      this.#use(placed);
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
      // Nobody would ever close it: its owner, this master, goes on listening to the media node. Whoever comes next waits for
      // the answer, so that it does not close what that one opens.
      await room.command('closeRoom', {}).catch(() => {});
      throw error;
    }
    this.#use(placed);
    log.info({ mediaNode: room.node }, 'The session is placed.');
    return placed;
  }

  /**
   * A room that was there holds media that nobody here knows of: this session has left it, or another owner in between has had
   * it, whose clients would take its media for that of now and bring none. It is closed, and the next one is empty.
   */
  async #openEmpty(never?: InstanceId): Promise<Placed> {
    const { placement, record, owner, left } = this.#parts;
    const open = (): Promise<Placed> => placement.place(record, owner, { never, last: left.nodes });
    const placed = await open();
    if (!placed.wasThere) return placed;
    left.forget(placed.media.id);
    await placed.room.command('closeRoom', {});
    const next = await open();
    if (next.wasThere) throw new ProtocolError('UNAVAILABLE', 'not an empty room');
    return next;
  }

  #use(placed: Placed): void {
    this.#placed = placed;
    this.#isLost = false;
    this.#media = Promise.resolve(placed);
    placed.room.gone = () => this.#parts.gone(placed.room);
  }
}

import { ProtocolError } from '../../../protocol/errors.ts';
import type { ConnectionId } from '../../../protocol/ids.ts';
import type { Clock } from '../../shared/clock.ts';
import type { InstanceId } from '../../shared/identity.ts';
import type { Placed } from './media-room.ts';

/** The longest that a left room stays: a client that doesn't show the new media by then most likely never will. */
const LONGEST_MS = 60_000;

/** A client that had media in a room when the session left it. */
export interface FormerGuest {
  readonly client: ConnectionId;
  /** The keys of its transports in that room. */
  readonly transports: readonly string[];
}

interface LeftRoom {
  readonly placed: Placed;
  readonly guests: ReadonlyMap<ConnectionId, FormerGuest>;
  /** Clients that don't show newer media yet. */
  readonly waiting: Set<ConnectionId>;
  readonly endCap: () => void;
  isOver: boolean;
}

export interface RoomsLeftParts {
  readonly clock: Clock;
  /** Announces that every client shows media newer than this. */
  readonly over: (mediaId: string) => void;
}

/**
 * The rooms that a session's media has moved away from, oldest first. A room is closed when each client that had media there
 * shows the new media, reports the old as silent, or has left. It closes after a minute at the latest.
 */
export class RoomsLeft {
  readonly #parts: RoomsLeftParts;
  readonly #rooms: LeftRoom[] = [];

  constructor(parts: RoomsLeftParts) {
    this.#parts = parts;
  }

  /** Whether a client still needs a left room at this node. */
  isAt(node: InstanceId): boolean {
    return this.#rooms.some(({ placed, isOver }) => !isOver && placed.room.node === node);
  }

  /** The nodes that have, or may have, left rooms. */
  get nodes(): ReadonlySet<InstanceId> {
    return new Set(this.#rooms.map(({ placed }) => placed.room.node));
  }

  /** Adds the room that the media has just left. */
  add(placed: Placed, guests: readonly FormerGuest[]): void {
    const left: LeftRoom = {
      placed,
      guests: new Map(guests.map((guest) => [guest.client, guest])),
      waiting: new Set(guests.map(({ client }) => client)),
      endCap: this.#parts.clock.after(LONGEST_MS, () => this.#end(left)),
      isOver: false,
    };
    this.#rooms.push(left);
    this.#look(left);
  }

  /** A client shows this media; `isNow`: it is the present media. It no longer needs any older room. */
  shown(client: ConnectionId, mediaId: string, isNow: boolean): void {
    const at = isNow ? this.#rooms.length : this.#rooms.findIndex(({ placed }) => placed.media.id === mediaId);
    for (const left of this.#rooms.slice(0, Math.max(0, at))) this.#release(left, client);
  }

  /** A client no longer receives anything from this room. */
  silent(client: ConnectionId, mediaId: string): void {
    for (const left of [...this.#rooms]) if (left.placed.media.id === mediaId) this.#release(left, client);
  }

  /** A client has left the session: its transports in left rooms are closed. */
  gone(client: ConnectionId): void {
    for (const left of [...this.#rooms]) {
      for (const key of left.guests.get(client)?.transports ?? []) left.placed.room.attempt('closeTransport', { key });
      this.#release(left, client);
    }
  }

  /** The node takes commands again, so rooms that could not be closed are closed now. */
  nodeIsBack(node: InstanceId): void {
    for (const left of [...this.#rooms]) if (left.isOver && left.placed.room.node === node) void this.#close(left);
  }

  /** The node is gone, and its rooms with it. */
  nodeIsGone(node: InstanceId): void {
    for (const left of [...this.#rooms]) {
      if (left.placed.room.node !== node) continue;
      this.#end(left);
      this.#drop(left);
    }
  }

  /** Removes a room that a new room at the same node replaces. */
  forget(mediaId: string): boolean {
    const left = this.#rooms.find(({ placed }) => placed.media.id === mediaId);
    if (left) this.#drop(left);
    return left !== undefined;
  }

  /** The session is over here. `goesOn`: another owner has it, so the rooms stay until the media nodes end them as ownerless. */
  end(goesOn: boolean): void {
    for (const left of this.#rooms.splice(0)) {
      left.endCap();
      if (!goesOn) left.placed.room.attempt('closeRoom', {});
    }
  }

  #release(left: LeftRoom, client: ConnectionId): void {
    if (left.waiting.delete(client)) this.#look(left);
  }

  #look(left: LeftRoom): void {
    if (left.waiting.size === 0) this.#end(left);
  }

  #end(left: LeftRoom): void {
    if (left.isOver) return;
    left.isOver = true;
    left.endCap();
    this.#parts.over(left.placed.media.id);
    void this.#close(left);
  }

  /** The room stays listed until the node has closed it or is gone. */
  async #close(left: LeftRoom): Promise<void> {
    try {
      await left.placed.room.command('closeRoom', {});
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'UNAVAILABLE') return;
    }
    this.#drop(left);
  }

  #drop(left: LeftRoom): void {
    left.endCap();
    const at = this.#rooms.indexOf(left);
    if (at >= 0) this.#rooms.splice(at, 1);
  }
}

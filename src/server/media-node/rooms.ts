import { EventEmitter } from 'node:events';
import { ProtocolError } from '../../protocol/errors.ts';
import type { UniqueSessionId } from '../../protocol/ids.ts';
import type { InstanceId } from '../shared/identity.ts';
import type { Logger } from '../shared/logging.ts';
import type { Fence, MediaCommands, MediaNews } from './api.ts';
import type { Fences } from './fences.ts';
import { Room, type RoomWorker, type TellNews } from './room.ts';

export interface RoomsOptions {
  readonly workers: { leastLoaded(): RoomWorker };
  readonly fences: Fences;
  /** Whether this master has a liveness stream from this node open. */
  readonly isListening: (owner: InstanceId) => boolean;
  readonly tell: TellNews;
  /** How long media goes on without an owner, ms. */
  readonly ownerlessGraceMs: number;
  readonly mediaCommandMs: number;
  readonly log: Logger;
}

export interface RoomsEvents {
  /** The last room has closed. */
  emptied: [];
}

interface Place {
  readonly room: Room;
  /** Runs while the room has no owner that listens. */
  clock: NodeJS.Timeout | undefined;
  /** True when the session has started another life: no owner will claim this room. */
  superseded: boolean;
}

/**
 * The rooms of this node and their owners. A room exists while its owner listens to this node, and for a grace period after that. So a
 * takeover finds the media untouched, and clients that rebuild keep the old picture until the new one plays.
 */
export class Rooms extends EventEmitter<RoomsEvents> {
  readonly #places = new Map<UniqueSessionId, Place>();
  readonly #options: RoomsOptions;
  #accepting = true;
  #takesNew = true;

  constructor(options: RoomsOptions) {
    super();
    this.#options = options;
  }

  get size(): { rooms: number; transports: number; producers: number; consumers: number } {
    const sum = { rooms: this.#places.size, transports: 0, producers: 0, consumers: 0 };
    for (const { room } of this.#places.values()) {
      const { transports, producers, consumers } = room.size;
      sum.transports += transports;
      sum.producers += producers;
      sum.consumers += consumers;
    }
    return sum;
  }

  /** Whether to open new rooms. Existing ones go on in any case. */
  acceptNew(accepted: boolean): void {
    this.#takesNew = accepted;
  }

  /** Refuses new rooms, for a drain. Existing ones go on, except rooms without an owner, which nobody would move. */
  refuseNew(): void {
    this.#accepting = false;
    for (const place of [...this.#places.values()]) if (place.clock) this.#lose(place.room, 'ownerless');
  }

  /**
   * Opens a room, or finds the existing one.
   * @throws {ProtocolError} EPOCH_STALE; UNAVAILABLE when the node drains or has no worker
   */
  async open(fence: Fence): Promise<MediaCommands['openRoom']['result']> {
    this.#admit(fence);
    const known = this.#places.get(fence.uniqueSessionId);
    const { room } = known ?? this.#create(fence);
    return { roomId: room.roomId, rtpCapabilities: await room.rtpCapabilities(), wasThere: known !== undefined };
  }

  /**
   * The room that a command addresses.
   * @throws {ProtocolError} EPOCH_STALE; SESSION_UNKNOWN when the room is not, or no longer, at this node
   */
  at(fence: Fence): Room {
    this.#admit(fence);
    const place = this.#places.get(fence.uniqueSessionId);
    if (!place) throw new ProtocolError('SESSION_UNKNOWN', `${fence.uniqueSessionId} is not at this node`);
    return place.room;
  }

  /** @throws {ProtocolError} EPOCH_STALE */
  close(fence: Fence): void {
    this.#admit(fence);
    const place = this.#places.get(fence.uniqueSessionId);
    if (place) this.#end(place);
  }

  /** The rooms that this master owns, each with its fence. */
  ownedBy(owner: InstanceId): Fence[] {
    const rooms = [...this.#places.values()].map(({ room }) => room).filter((room) => room.owner === owner);
    return rooms.map(({ sessionId, uniqueSessionId, epoch }) => ({ sessionId, uniqueSessionId, epoch, owner }));
  }

  closeAll(): void {
    for (const place of this.#places.values()) this.#end(place);
  }

  /** A master has started or stopped listening to this node. */
  ownerListens(owner: InstanceId, listening: boolean): void {
    for (const place of this.#places.values()) {
      if (place.room.owner === owner && !place.superseded) this.#setClock(place, !listening);
    }
  }

  #admit(fence: Fence): void {
    if (this.#options.fences.admit(fence) === 'same') return;
    for (const place of this.#places.values()) {
      if (place.room.sessionId !== fence.sessionId) continue;
      if (place.room.uniqueSessionId === fence.uniqueSessionId) this.#claim(place, fence);
      else if (!place.superseded) this.#supersede(place);
    }
  }

  #create(fence: Fence): Place {
    if (!this.#accepting) throw new ProtocolError('UNAVAILABLE', 'the media node is draining');
    if (!this.#takesNew) throw new ProtocolError('UNAVAILABLE', 'the media node takes no new sessions');
    const { workers, mediaCommandMs, tell, log } = this.#options;
    const worker = workers.leastLoaded();
    const room = new Room({
      fence,
      worker,
      commandMs: mediaCommandMs,
      tell,
      lost: (lost) => this.#lose(lost, 'workerDied'),
    });
    const place: Place = { room, clock: undefined, superseded: false };
    this.#places.set(room.uniqueSessionId, place);
    this.#setClock(place, !this.#options.isListening(room.owner));
    log.info(
      { session: room.uniqueSessionId, epoch: room.epoch, owner: room.owner, worker: worker.pid },
      'Opened a room.',
    );
    return place;
  }

  #claim(place: Place, fence: Fence): void {
    const { room } = place;
    room.claim(fence);
    place.superseded = false;
    this.#setClock(place, !this.#options.isListening(room.owner));
    this.#options.log.info(
      { session: room.uniqueSessionId, epoch: room.epoch, owner: room.owner },
      'A room has a new owner.',
    );
  }

  #supersede(place: Place): void {
    place.superseded = true;
    this.#setClock(place, true);
    this.#options.log.info({ session: place.room.uniqueSessionId }, 'A rebuild has superseded a room.');
  }

  #setClock(place: Place, running: boolean): void {
    clearTimeout(place.clock);
    const graceMs = this.#accepting ? this.#options.ownerlessGraceMs : 0;
    place.clock = running ? setTimeout(() => this.#lose(place.room, 'ownerless'), graceMs) : undefined;
  }

  #lose(room: Room, cause: MediaNews['roomLost']['cause']): void {
    const place = this.#places.get(room.uniqueSessionId);
    if (place?.room !== room) return;
    const { uniqueSessionId, epoch, owner } = room;
    this.#end(place);
    this.#options.log.warn({ session: uniqueSessionId, epoch, owner, cause }, 'Lost a room.');
    this.#options.tell('roomLost', { uniqueSessionId, epoch, cause });
  }

  #end(place: Place): void {
    const { room } = place;
    clearTimeout(place.clock);
    this.#places.delete(room.uniqueSessionId);
    room.close();
    this.#options.log.info({ session: room.uniqueSessionId }, 'Closed a room.');
    const rooms = [...this.#places.values()].map((other) => other.room);
    this.#options.fences.sweep((sessionId) => rooms.some((other) => other.sessionId === sessionId));
    if (this.#places.size === 0) this.emit('emptied');
  }
}

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
  /** Whether this master holds a liveness stream to this node open. */
  readonly isListening: (owner: InstanceId) => boolean;
  readonly tell: TellNews;
  /** How long media without owner goes on, ms. */
  readonly ownerlessGraceMs: number;
  readonly mediaCommandMs: number;
  readonly log: Logger;
}

export interface RoomsEvents {
  /** The last room has ended. */
  emptied: [];
}

interface Place {
  readonly room: Room;
  /** Runs while nobody is there for the room. */
  clock: NodeJS.Timeout | undefined;
  /** The session has another life elsewhere or in another room: no owner can come for this one. */
  superseded: boolean;
}

/**
 * The rooms of this node and to whom they belong. A room lives for as long as its owner listens to this node. Without
 * owner its media goes on for a grace period: after a takeover a new owner finds it untouched, and after a rebuild the
 * clients have the old picture until the new one plays.
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

  /** Whether new rooms are made here; those that are here go on in any case. */
  acceptNew(accepted: boolean): void {
    this.#takesNew = accepted;
  }

  /** No new rooms from here on; those that are here go on, unless there is nobody who could move them. */
  refuseNew(): void {
    this.#accepting = false;
    for (const place of [...this.#places.values()]) if (place.clock) this.#lose(place.room, 'ownerless');
  }

  /**
   * @throws {ProtocolError} EPOCH_STALE; UNAVAILABLE when the node drains or has no worker
   */
  async open(fence: Fence): Promise<MediaCommands['openRoom']['result']> {
    this.#admit(fence);
    const known = this.#places.get(fence.uniqueSessionId);
    const { room } = known ?? this.#create(fence);
    return { roomId: room.roomId, rtpCapabilities: await room.rtpCapabilities(), wasThere: known !== undefined };
  }

  /**
   * The room of a command.
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

  /** The rooms that this master owns, each with the fence under which it does. */
  ownedBy(owner: InstanceId): Fence[] {
    const rooms = [...this.#places.values()].map(({ room }) => room).filter((room) => room.owner === owner);
    return rooms.map(({ sessionId, uniqueSessionId, epoch }) => ({ sessionId, uniqueSessionId, epoch, owner }));
  }

  closeAll(): void {
    for (const place of this.#places.values()) this.#end(place);
  }

  /** A master has begun or stopped to listen to this node. */
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
      'room opened',
    );
    return place;
  }

  #claim(place: Place, fence: Fence): void {
    const { room } = place;
    room.claim(fence);
    place.superseded = false;
    this.#setClock(place, !this.#options.isListening(room.owner));
    this.#options.log.info({ session: room.uniqueSessionId, epoch: room.epoch, owner: room.owner }, 'room claimed');
  }

  #supersede(place: Place): void {
    place.superseded = true;
    this.#setClock(place, true);
    this.#options.log.info({ session: place.room.uniqueSessionId }, 'room superseded by a rebuild');
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
    this.#options.log.warn({ session: uniqueSessionId, epoch, owner, cause }, 'room lost');
    this.#options.tell('roomLost', { uniqueSessionId, epoch, cause });
  }

  #end(place: Place): void {
    const { room } = place;
    clearTimeout(place.clock);
    this.#places.delete(room.uniqueSessionId);
    room.close();
    this.#options.log.info({ session: room.uniqueSessionId }, 'room closed');
    const rooms = [...this.#places.values()].map((other) => other.room);
    this.#options.fences.sweep((sessionId) => rooms.some((other) => other.sessionId === sessionId));
    if (this.#places.size === 0) this.emit('emptied');
  }
}

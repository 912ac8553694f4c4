import { setTimeout as delay } from 'node:timers/promises';
import type { FailoverPolicy } from '../../src/server/store/store.ts';
import { seededRandom } from '../fixtures/random.ts';
import type { AppServer } from './app-server.ts';
import type { History } from './history.ts';
import { between } from './schedule.ts';
import { type Standing, Visitor } from './visitor.ts';

export interface CrowdOptions {
  /** Half of them have each policy. */
  readonly rooms: number;
  readonly seatsPerRoom: number;
  readonly seed: number;
}

/** Seats whose participants stay from beginning to end, so that a room is never empty. */
const STAYING = 3;
const TALK_MS = { min: 400, max: 1_400 };
const STAY_MS = { min: 5_000, max: 20_000 };
const ABSENCE_MS = { min: 500, max: 4_000 };
const JOIN_AGAIN_MS = 500;

/** A seat in a room, and its present participant. Participants come and go; each name is used once. */
interface Seat {
  readonly name: string;
  readonly room: string;
  readonly stays: boolean;
  /** Each seat has its own random numbers, so that a late participant does not change the others' actions. */
  readonly moves: () => number;
  readonly speech: () => number;
  visitor: Visitor | undefined;
  visits: number;
}

/** Participants who send messages all the time; some leave, and others take their seats. */
export class Crowd {
  readonly #history: History;
  readonly #app: AppServer;
  readonly #seats: readonly Seat[];
  readonly #talk = new AbortController();
  readonly #comings = new AbortController();
  #lives: Promise<void>[] = [];
  #talks: Promise<void>[] = [];

  constructor({ rooms, seatsPerRoom, seed }: CrowdOptions, history: History, app: AppServer) {
    this.#history = history;
    this.#app = app;
    this.#seats = Array.from({ length: rooms * seatsPerRoom }, (_, index) => {
      const number = Math.floor(index / seatsPerRoom);
      const policy: FailoverPolicy = number % 2 === 0 ? 'takeover' : 'rebuild';
      const room = `${policy}-${number + 1}`;
      history.addRoom(room, policy);
      const at = index % seatsPerRoom;
      const moves = seededRandom(seed + 2 * index + 1);
      const speech = seededRandom(seed + 2 * index + 2);
      return { name: `${room}.${at + 1}`, room, stays: at < STAYING, moves, speech, visitor: undefined, visits: 0 };
    });
  }

  get size(): number {
    return this.#seats.length;
  }

  /** All participants join. */
  async come(): Promise<void> {
    await Promise.all(this.#seats.map((seat) => this.#occupy(seat)));
  }

  /** All participants send messages, and some are replaced, until `settle`. */
  live(): void {
    this.#lives = this.#seats.map((seat) => this.#live(seat));
    this.#talks = this.#seats.map((seat) => this.#speak(seat));
  }

  /** No participant leaves any more; pending joins complete. */
  async settle(): Promise<void> {
    this.#comings.abort();
    await Promise.all(this.#lives);
  }

  /** Stops all messages and joins. */
  async hush(): Promise<void> {
    this.#talk.abort();
    await Promise.all(this.#talks);
  }

  /** The state of each seat. An empty seat is `absent`. */
  standings(): Standing[] {
    return this.#seats.map(({ visitor, name, room }) => {
      if (visitor) return visitor.standing();
      return { who: name, room, state: 'absent', connectionId: undefined, others: [], pending: 0 };
    });
  }

  leave(): void {
    for (const { visitor } of this.#seats) visitor?.leave();
  }

  async #live(seat: Seat): Promise<void> {
    const { signal } = this.#comings;
    while (!signal.aborted) {
      const stayMs = seat.stays ? JOIN_AGAIN_MS : between(seat.moves, STAY_MS);
      await delay(stayMs, undefined, { signal }).catch(() => {});
      // If the cluster removed a participant, another takes the seat; the ledger records it.
      if (seat.visitor?.isThere && (seat.stays || signal.aborted)) continue;
      seat.visitor?.leave();
      seat.visitor = undefined;
      await delay(seat.stays ? 0 : between(seat.moves, ABSENCE_MS), undefined, { signal }).catch(() => {});
      await this.#occupy(seat);
    }
  }

  /** A new participant takes the seat, with as many attempts as necessary. */
  async #occupy(seat: Seat): Promise<void> {
    const { signal } = this.#talk;
    while (!signal.aborted) {
      seat.visits += 1;
      const visitor = new Visitor(`${seat.name}#${seat.visits}`, seat.room, this.#history);
      const token = await this.#token(seat.room);
      if (token !== undefined && (await visitor.join(token))) {
        seat.visitor = visitor;
        return;
      }
      await delay(JOIN_AGAIN_MS);
    }
  }

  async #token(room: string): Promise<string | (() => Promise<string>) | undefined> {
    if (this.#history.rooms.get(room) === 'rebuild') return () => this.#app.token(room);
    return this.#app.token(room).catch(() => undefined);
  }

  async #speak(seat: Seat): Promise<void> {
    const { signal } = this.#talk;
    while (!signal.aborted) {
      await delay(between(seat.speech, TALK_MS), undefined, { signal }).catch(() => {});
      if (!signal.aborted && seat.visitor?.isThere) seat.visitor.say();
    }
  }
}

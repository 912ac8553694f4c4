import type { NumberedFrame, ServerEvents } from '../../../protocol/frames.ts';
import type { ConnectionId, Seq } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { ByteBudget } from '../../shared/byte-budget.ts';
import { BUDGETS } from '../budgets.ts';
import { frameBytes } from './frame-bytes.ts';
import { type Held, memoryOf, withKept, withoutKept } from './held.ts';

type Unnumbered<F> = F extends { seq: Seq } ? Omit<F, 'seq'> : never;
export type OutboxFrame = Unnumbered<NumberedFrame>;

/** The sender of a signal; `server`: the application's server. */
export type Sender = ConnectionId | 'server';

export interface OutboxOptions {
  readonly frames?: number;
  readonly bytes?: number;
  readonly signals?: number;
  readonly signalBytes?: number;
  /** A clock in ms. Default: `performance.now()`. */
  readonly now?: () => number;
}

/** Frames and bytes. */
interface Load {
  frames: number;
  bytes: number;
}

/** The numbered frames of one connection that its client has not acknowledged. */
export class Outbox {
  readonly #limit: Load;
  readonly #signalLimit: Load;
  readonly #now: () => number;
  /** The session's budget, once `drawOn` has set it. */
  #budget: ByteBudget | undefined;
  #held: Held[] = [];
  readonly #load: Load = { frames: 0, bytes: 0 };
  /** Bytes held in memory; signals that only the store holds count less than at the limits. */
  #memory = 0;
  #absent = 0;
  #events = 0;
  readonly #signals: Load = { frames: 0, bytes: 0 };
  /** How much of the signals each sender has. */
  readonly #said = new Map<Sender, Load>();
  #last = 0;
  /** When the client last acknowledged something or was seen reading. */
  #progressAt = Number.NEGATIVE_INFINITY;
  #isStale = false;
  /** A client that has received less than this needs a snapshot. */
  #rebasedAt = 0;
  /** Signals up to this number are also in the store. */
  #keptTo = 0;
  /** Signals up to this number are only in the store. */
  #droppedTo = 0;
  /** Callers that wait for a frame to be acknowledged, by its number. */
  #waiting: { readonly seq: number; readonly done: () => void; readonly failed: (error: Error) => void }[] = [];
  #isClosed = false;

  constructor(options: OutboxOptions = {}) {
    const { frames = LIMITS.outboxFrames, bytes = BUDGETS.outboxBytes } = options;
    const { signals = BUDGETS.outboxSignals, signalBytes = BUDGETS.outboxSignalBytes } = options;
    this.#limit = { frames, bytes };
    this.#signalLimit = { frames: signals, bytes: signalBytes };
    this.#now = options.now ?? (() => performance.now());
  }

  /** Counts its bytes against this budget from now on. */
  drawOn(budget: ByteBudget): void {
    this.#budget?.add(-this.#memory);
    this.#budget = budget;
    budget.add(this.#memory);
  }

  /** Number of the newest frame, 0 before the first. */
  get last(): Seq {
    return this.#last as Seq;
  }

  get size(): number {
    return this.#load.frames;
  }

  get bytes(): number {
    return this.#load.bytes;
  }

  /** How many of the frames a snapshot replaces. */
  get events(): number {
    return this.#events;
  }

  /** True once events have been dropped: the client needs a snapshot instead of the missed frames. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** Whether a client that has received up to `seq` needs a snapshot. Stays true until a snapshot has reached the client. */
  needsSnapshot(seq: Seq): boolean {
    return this.#isStale || seq < this.#rebasedAt;
  }

  /**
   * Whether there is room for a signal. A sender may hold at most as much as the others leave free. One sender alone can thus take
   * half of the limit, and a sender that has sent nothing yet always finds room.
   */
  holds(bytes: number, sender: Sender): boolean {
    const said = this.#said.get(sender) ?? { frames: 0, bytes: 0 };
    const free = {
      frames: this.#signalLimit.frames - this.#signals.frames,
      bytes: this.#signalLimit.bytes - this.#signals.bytes,
    };
    return said.frames + 1 <= free.frames && said.bytes + bytes <= free.bytes;
  }

  /** Numbers and keeps a frame; `undefined`, and nothing changes, when the limit is reached. */
  add(frame: OutboxFrame): NumberedFrame | undefined {
    const bytes = frameBytes(frame);
    const isFull = this.#load.frames >= this.#limit.frames || this.#load.bytes + bytes > this.#limit.bytes;
    // `evicted` always fits, because no frame follows it.
    if (isFull && !(frame.t === 'evt' && frame.event === 'evicted')) return undefined;
    this.#last += 1;
    const numbered = { ...frame, seq: this.#last } as unknown as NumberedFrame;
    const held = { frame: numbered, bytes, at: this.#now() };
    this.#held.push(held);
    this.#count(held, 1);
    return numbered;
  }

  /** Forgets everything up to `seq`. */
  acknowledge(seq: Seq): void {
    const keepFrom = this.#held.findIndex(({ frame }) => frame.seq > seq);
    const arrived = this.#held.splice(0, keepFrom === -1 ? this.#held.length : keepFrom);
    for (const held of arrived) this.#count(held, -1);
    if (arrived.length > 0) this.progressed();
    this.#tell(seq);
  }

  /** Call this when the client is reading something that it cannot acknowledge yet. */
  progressed(): void {
    this.#progressAt = this.#now();
  }

  /** For how long the client has acknowledged nothing although frames wait, counted from `since` at the earliest; ms. */
  overdueMs(since: number): number {
    const [oldest] = this.#held;
    return oldest ? this.#now() - Math.max(oldest.at, this.#progressAt, since) : 0;
  }

  /** Age of the oldest frame, ms. */
  get ageMs(): number {
    const [oldest] = this.#held;
    return oldest ? this.#now() - oldest.at : 0;
  }

  /** Whether signals take so much room that a sender may be refused. */
  get isTight(): boolean {
    const { frames, bytes } = this.#signals;
    return frames >= this.#signalLimit.frames / 2 || bytes >= this.#signalLimit.bytes / 2;
  }

  /** Signals that are not in the store. */
  unkept(): ServerEvents['signal'][] {
    return this.#held.flatMap(({ frame }) =>
      frame.seq > this.#keptTo && frame.t === 'evt' && frame.event === 'signal' ? frame.data : [],
    );
  }

  /** The store has the signals up to `seq`, so they survive a crash of this owner. */
  kept(seq: Seq): void {
    this.#keptTo = Math.max(this.#keptTo, seq);
    this.#tell(seq);
  }

  /** How many signals must be put back before frames are sent. */
  get absent(): number {
    return this.#absent;
  }

  /** Drops the content of signals that the store has, while the client is away. */
  dropKept(): void {
    if (this.#droppedTo >= this.#keptTo) return;
    this.#droppedTo = this.#keptTo;
    this.#replace(withoutKept(this.#held, this.#keptTo));
  }

  /** Restores dropped signals: the last of `kept`, which is in order. Missing ones leave gaps, as dropped events do. */
  putBack(kept: readonly ServerEvents['signal'][]): void {
    const before = this.#held.length;
    this.#droppedTo = 0;
    this.#replace(withKept(this.#held, this.#keptTo, kept));
    if (this.#held.length < before) this.#isStale = true;
  }

  /** Whether signals that the store holds are still unacknowledged. */
  get holdsKept(): boolean {
    return (this.#held[0]?.frame.seq ?? Number.POSITIVE_INFINITY) <= this.#keptTo;
  }

  /**
   * Resolves when all signals so far have been acknowledged or stored, or the client has left.
   * @throws {Error} the error that the outbox was closed with
   */
  secured(): Promise<void> {
    if (this.#isClosed || this.#held.length === 0 || this.#last <= this.#keptTo) return Promise.resolve();
    return new Promise((done, failed) => this.#waiting.push({ seq: this.#last, done, failed }));
  }

  /** Closes the outbox of a client that has left or, with `error`, was evicted before it received what others wait for. */
  close(error?: Error): void {
    this.#isClosed = true;
    this.release();
    if (error) for (const { failed } of this.#waiting.splice(0)) failed(error);
    else this.#tellAll();
  }

  /** Frees the memory when another owner serves the client or the session has crashed. Waiting callers are not told of a delivery. */
  release(): void {
    this.#budget?.add(-this.#memory);
    this.#budget = undefined;
  }

  /** Drops the events, which a snapshot replaces. The gaps in the numbers make a snapshot necessary. `false`: there are no events. */
  dropEvents(): boolean {
    const kept = this.#held.filter(({ frame }) => !isInSnapshot(frame));
    if (kept.length === this.#held.length && !this.#isStale) return false;
    this.#isStale = true;
    this.#replace(kept);
    return true;
  }

  /**
   * Prepares for a client that starts again from a snapshot. Events are dropped, as the snapshot includes them. Signals and answers are
   * kept and numbered after it.
   */
  rebase(): void {
    const kept = this.#held.filter(({ frame }) => !isInSnapshot(frame));
    const behind = this.#last;
    this.#rebasedAt = behind;
    this.#keptTo = behind + kept.filter(({ frame }) => frame.seq <= this.#keptTo).length;
    this.#replace(
      kept.map((held, at) => ({ ...held, frame: { ...held.frame, seq: (behind + at + 1) as Seq } as NumberedFrame })),
    );
    this.#isStale = false;
    this.#last += kept.length;
    // Acknowledging the last kept frame acknowledges everything that callers wait for.
    this.#waiting = this.#waiting.map((waiting) => ({ ...waiting, seq: this.#last }));
    if (kept.length === 0) this.#tellAll();
  }

  /** The frames after `seq`; `undefined` if some are no longer kept or `seq` was never used. */
  after(seq: Seq): readonly NumberedFrame[] | undefined {
    if (seq > this.#last) return undefined;
    const first = this.#held[0]?.frame.seq ?? this.#last + 1;
    if (seq < first - 1) return undefined;
    return this.#held.flatMap(({ frame }) => (frame.seq > seq ? frame : []));
  }

  /** As `after`, but empty for a client that needs a snapshot: it gets the remaining frames after that. */
  missed(seq: Seq): readonly NumberedFrame[] | undefined {
    if (seq <= this.#last && this.needsSnapshot(seq)) return [];
    return this.after(seq);
  }

  #replace(kept: Held[]): void {
    for (const held of this.#held) this.#count(held, -1);
    for (const held of kept) this.#count(held, 1);
    this.#held = kept;
  }

  #count(held: Held, times: 1 | -1): void {
    const { frame, bytes } = held;
    const memory = times * memoryOf(held);
    addTo(this.#load, bytes, times);
    this.#memory += memory;
    this.#budget?.add(memory);
    if (held.isAbsent) this.#absent += times;
    if (isInSnapshot(frame)) this.#events += times;
    if (frame.t !== 'evt' || frame.event !== 'signal') return;
    addTo(this.#signals, bytes, times);
    const sender = frame.data.from ?? 'server';
    const said = this.#said.get(sender) ?? { frames: 0, bytes: 0 };
    addTo(said, bytes, times);
    if (said.frames === 0) this.#said.delete(sender);
    else this.#said.set(sender, said);
  }

  #tell(seq: Seq): void {
    while (this.#waiting[0] && this.#waiting[0].seq <= seq) this.#waiting.shift()?.done();
  }

  #tellAll(): void {
    for (const { done } of this.#waiting.splice(0)) done();
  }
}

/** Answers, signals and `evicted` are in no snapshot; every other event is. */
export function isInSnapshot(frame: OutboxFrame): boolean {
  return frame.t === 'evt' && frame.event !== 'signal' && frame.event !== 'evicted';
}

function addTo(load: Load, bytes: number, times: 1 | -1): void {
  load.frames += times;
  load.bytes += times * bytes;
}

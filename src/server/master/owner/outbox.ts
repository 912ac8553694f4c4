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
  /** Of the session, once the outbox is part of it. */
  #budget: ByteBudget | undefined;
  #held: Held[] = [];
  readonly #load: Load = { frames: 0, bytes: 0 };
  /** Bytes of what is here. */
  #memory = 0;
  #absent = 0;
  #events = 0;
  readonly #signals: Load = { frames: 0, bytes: 0 };
  /** The share of each sender in the signals. */
  readonly #said = new Map<Sender, Load>();
  #last = 0;
  /** When something was acknowledged last, or its client was seen to read. */
  #progressAt = Number.NEGATIVE_INFINITY;
  #isStale = false;
  /** A client that has received less than this cannot go on without a snapshot. */
  #rebasedAt = 0;
  /** Signals up to this number are kept elsewhere, too. */
  #keptTo = 0;
  /** And up to this one they are not here. */
  #droppedTo = 0;
  /** Those who wait for a frame to be acknowledged, in the order of its number. */
  #waiting: { readonly seq: number; readonly done: () => void; readonly failed: (error: Error) => void }[] = [];
  #isClosed = false;

  constructor(options: OutboxOptions = {}) {
    const { frames = LIMITS.outboxFrames, bytes = BUDGETS.outboxBytes } = options;
    const { signals = BUDGETS.outboxSignals, signalBytes = BUDGETS.outboxSignalBytes } = options;
    this.#limit = { frames, bytes };
    this.#signalLimit = { frames: signals, bytes: signalBytes };
    this.#now = options.now ?? (() => performance.now());
  }

  /** From now on its bytes are counted there, too. */
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

  /** How many of the frames a snapshot would stand for. */
  get events(): number {
    return this.#events;
  }

  /** Events have been dropped: the client needs a snapshot instead of the frames that it has missed. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** Whether a client that has got everything up to `seq` needs a snapshot: also again, if the first one was lost on its way. */
  needsSnapshot(seq: Seq): boolean {
    return this.#isStale || seq < this.#rebasedAt;
  }

  /**
   * Whether there is room for a signal. A sender may have as much waiting here as the others leave free: alone half of what signals
   * may take, and there is always some left for one who has said nothing yet.
   */
  holds(bytes: number, sender: Sender): boolean {
    const said = this.#said.get(sender) ?? { frames: 0, bytes: 0 };
    const free = {
      frames: this.#signalLimit.frames - this.#signals.frames,
      bytes: this.#signalLimit.bytes - this.#signals.bytes,
    };
    return said.frames + 1 <= free.frames && said.bytes + bytes <= free.bytes;
  }

  /** Numbers and keeps a frame; `undefined` when the limit is reached, and then nothing has changed. */
  add(frame: OutboxFrame): NumberedFrame | undefined {
    const bytes = frameBytes(frame);
    const isFull = this.#load.frames >= this.#limit.frames || this.#load.bytes + bytes > this.#limit.bytes;
    // Nothing follows the word that it is over: there is always room for that.
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

  /** The client is getting something that it cannot acknowledge yet. */
  progressed(): void {
    this.#progressAt = this.#now();
  }

  /** For how long nothing has been acknowledged although something could be, since `since` at the earliest; ms. */
  overdueMs(since: number): number {
    const [oldest] = this.#held;
    return oldest ? this.#now() - Math.max(oldest.at, this.#progressAt, since) : 0;
  }

  /** How old the oldest frame is, ms. */
  get ageMs(): number {
    const [oldest] = this.#held;
    return oldest ? this.#now() - oldest.at : 0;
  }

  /** Signals take so much room that a sender may be refused because of it. */
  get isTight(): boolean {
    const { frames, bytes } = this.#signals;
    return frames >= this.#signalLimit.frames / 2 || bytes >= this.#signalLimit.bytes / 2;
  }

  /** Signals that are nowhere but here. */
  unkept(): ServerEvents['signal'][] {
    return this.#held.flatMap(({ frame }) =>
      frame.seq > this.#keptTo && frame.t === 'evt' && frame.event === 'signal' ? frame.data : [],
    );
  }

  /** The signals up to `seq` are kept where no crash of this owner can reach them. */
  kept(seq: Seq): void {
    this.#keptTo = Math.max(this.#keptTo, seq);
    this.#tell(seq);
  }

  /** How many signals are to be put back before anything is sent. */
  get absent(): number {
    return this.#absent;
  }

  /** Its client is away: signals that are kept elsewhere need not be here, too. */
  dropKept(): void {
    if (this.#droppedTo >= this.#keptTo) return;
    this.#droppedTo = this.#keptTo;
    this.#replace(withoutKept(this.#held, this.#keptTo));
  }

  /** Puts back what was dropped: `kept` ends with all that is kept of what is held, in order. What is missing leaves gaps, as events do. */
  putBack(kept: readonly ServerEvents['signal'][]): void {
    const before = this.#held.length;
    this.#droppedTo = 0;
    this.#replace(withKept(this.#held, this.#keptTo, kept));
    if (this.#held.length < before) this.#isStale = true;
  }

  /** Whether some of what is kept has not been acknowledged. */
  get holdsKept(): boolean {
    return (this.#held[0]?.frame.seq ?? Number.POSITIVE_INFINITY) <= this.#keptTo;
  }

  /**
   * Resolves when the signals up to now have been acknowledged or are kept elsewhere, or the client has left.
   * @throws {Error} what the outbox was closed with
   */
  secured(): Promise<void> {
    if (this.#isClosed || this.#held.length === 0 || this.#last <= this.#keptTo) return Promise.resolve();
    return new Promise((done, failed) => this.#waiting.push({ seq: this.#last, done, failed }));
  }

  /** The client has left, or, with `error`, is put out although it has not had what is waited for. */
  close(error?: Error): void {
    this.#isClosed = true;
    this.release();
    if (error) for (const { failed } of this.#waiting.splice(0)) failed(error);
    else this.#tellAll();
  }

  /** Another owner serves the client, or its session has crashed: nothing is kept here any more, and nobody is told that it arrived. */
  release(): void {
    this.#budget?.add(-this.#memory);
    this.#budget = undefined;
  }

  /** Gives up the events, which a snapshot tells; numbers have gaps then, and only a snapshot leads on. `false`: there are none. */
  dropEvents(): boolean {
    const kept = this.#held.filter(({ frame }) => !isInSnapshot(frame));
    if (kept.length === this.#held.length && !this.#isStale) return false;
    this.#isStale = true;
    this.#replace(kept);
    return true;
  }

  /**
   * The client begins anew with a snapshot. What the snapshot tells is dropped; signals and answers are in no snapshot
   * and are kept, numbered behind it.
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
    // Acknowledging the last of them acknowledges all that is waited for.
    this.#waiting = this.#waiting.map((waiting) => ({ ...waiting, seq: this.#last }));
    if (kept.length === 0) this.#tellAll();
  }

  /** What follows `seq`; `undefined` when that is not known any more, or `seq` was never given out. */
  after(seq: Seq): readonly NumberedFrame[] | undefined {
    if (seq > this.#last) return undefined;
    const first = this.#held[0]?.frame.seq ?? this.#last + 1;
    if (seq < first - 1) return undefined;
    return this.#held.flatMap(({ frame }) => (frame.seq > seq ? frame : []));
  }

  /** As `after`, but nothing for a client that needs a snapshot: it gets what is left behind that. */
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

/** Answers, signals and the word that it is over are in no snapshot; every other event is. */
export function isInSnapshot(frame: OutboxFrame): boolean {
  return frame.t === 'evt' && frame.event !== 'signal' && frame.event !== 'evicted';
}

function addTo(load: Load, bytes: number, times: 1 | -1): void {
  load.frames += times;
  load.bytes += times * bytes;
}

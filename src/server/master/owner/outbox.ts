import type { NumberedFrame, ServerEvents } from '../../../protocol/frames.ts';
import type { Seq } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';

type Unnumbered<F> = F extends { seq: Seq } ? Omit<F, 'seq'> : never;
export type OutboxFrame = Unnumbered<NumberedFrame>;

/** The numbered frames of one connection that its client has not acknowledged. */
export class Outbox {
  readonly #limit: number;
  #frames: NumberedFrame[] = [];
  #last = 0;
  /** Signals up to this number are kept elsewhere, too. */
  #keptTo = 0;
  /** Those who wait for a frame to be acknowledged, in the order of its number. */
  #waiting: { readonly seq: number; readonly done: () => void }[] = [];

  constructor(limit: number = LIMITS.outboxFrames) {
    this.#limit = limit;
  }

  /** Number of the newest frame, 0 before the first. */
  get last(): Seq {
    return this.#last as Seq;
  }

  get size(): number {
    return this.#frames.length;
  }

  /** Numbers and keeps a frame; `undefined` when the limit is reached, and then nothing has changed. */
  add(frame: OutboxFrame): NumberedFrame | undefined {
    if (this.#frames.length >= this.#limit) return undefined;
    this.#last += 1;
    const numbered = { ...frame, seq: this.#last } as unknown as NumberedFrame;
    this.#frames.push(numbered);
    return numbered;
  }

  /** Forgets everything up to `seq`. */
  acknowledge(seq: Seq): void {
    const keepFrom = this.#frames.findIndex((frame) => frame.seq > seq);
    this.#frames = keepFrom === -1 ? [] : this.#frames.slice(keepFrom);
    this.#tell(seq);
  }

  /** Signals that are nowhere but here. */
  unkept(): ServerEvents['signal'][] {
    // Numbers have no gaps.
    const from = Math.max(0, this.#keptTo - (this.#frames[0]?.seq ?? 0) + 1);
    return this.#frames
      .slice(from)
      .flatMap((frame) => (frame.t === 'evt' && frame.event === 'signal' ? frame.data : []));
  }

  /** The signals up to `seq` are kept where no crash of this owner can reach them. */
  kept(seq: Seq): void {
    this.#keptTo = Math.max(this.#keptTo, seq);
    this.#tell(seq);
  }

  /** Whether some of what is kept has not been acknowledged. */
  get holdsKept(): boolean {
    return (this.#frames[0]?.seq ?? Number.POSITIVE_INFINITY) <= this.#keptTo;
  }

  /**
   * Resolves when the signals up to now have been acknowledged or are kept elsewhere, or nobody will acknowledge anything any
   * more.
   */
  secured(): Promise<void> {
    if (this.#frames.length === 0 || this.#last <= this.#keptTo) return Promise.resolve();
    return new Promise((done) => this.#waiting.push({ seq: this.#last, done }));
  }

  /** The client has left. */
  close(): void {
    for (const { done } of this.#waiting.splice(0)) done();
  }

  /**
   * The client begins anew with a snapshot. What the snapshot tells is dropped; signals and answers are in no snapshot
   * and are kept, numbered behind it.
   */
  rebase(): void {
    const kept = this.#frames.filter(
      (frame) => frame.t === 'res' || frame.event === 'signal' || frame.event === 'evicted',
    );
    const behind = this.#last;
    this.#keptTo = behind + kept.filter(({ seq }) => seq <= this.#keptTo).length;
    this.#frames = kept.map((frame, at) => ({ ...frame, seq: (behind + at + 1) as Seq }));
    this.#last += kept.length;
    // Acknowledging the last of them acknowledges all that is waited for.
    this.#waiting = this.#waiting.map(({ done }) => ({ seq: this.#last, done }));
    if (kept.length === 0) this.close();
  }

  /** What follows `seq`; `undefined` when that is not known any more, or `seq` was never given out. */
  after(seq: Seq): readonly NumberedFrame[] | undefined {
    if (seq > this.#last) return undefined;
    const first = this.#frames[0]?.seq ?? this.#last + 1;
    if (seq < first - 1) return undefined;
    return this.#frames.filter((frame) => frame.seq > seq);
  }
  #tell(seq: Seq): void {
    while (this.#waiting[0] && this.#waiting[0].seq <= seq) this.#waiting.shift()?.done();
  }
}

import { RoundTrip } from '../../protocol/round-trip.ts';

/** A timer that fires so much later than it was set for has slept, or was held up with its page. */
const LATE_MS = 2_000;
/** How long a socket that is doubted may take to answer, besides what its path takes. */
const PROBE_MS = 1_500;

export interface HeartbeatOptions {
  /** The wall clock, which goes on while a machine sleeps. */
  readonly now: () => number;
  readonly ping: () => void;
  /** The socket is open and dead. */
  readonly dead: () => void;
  /** The clock has jumped: the machine has slept, or its page was held up. */
  readonly late: () => void;
}

/**
 * Notices a socket that is open and dead: a ping that is not answered in time. Silence alone is no proof, as a page in the
 * background may be let run once a minute only, and nobody asks anything meanwhile. After a sleep the first look asks.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #intervalMs = 0;
  #timeoutMs = 0;
  readonly roundTrip = new RoundTrip();
  /** When the next ping is to be sent, the answer to the last one is due, and the timer has been set and is to fire. */
  #pingAt = 0;
  #dueAt: number | undefined;
  #setAt = 0;
  #fireAt = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Pings every `intervalMs`; `dead` when nothing is heard for `timeoutMs` after a ping. Begins as if just heard. */
  start(intervalMs: number, timeoutMs: number): void {
    const now = this.#options.now();
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs;
    this.#dueAt = undefined;
    // What has been asked before is answered by what begins now.
    this.roundTrip.answered(now);
    this.#pingAt = now + intervalMs;
    this.#arm(now);
  }

  /** Something else than a ping was sent that is answered. */
  asked(): void {
    this.roundTrip.asked(this.#options.now());
  }

  /** Asks now, and gives little time for the answer. */
  probe(): void {
    if (this.#timer === undefined) return;
    const now = this.#options.now();
    this.#ask(now, PROBE_MS);
    this.#arm(now);
  }

  /** Looks at the clock now. */
  check(): void {
    if (this.#timer === undefined) return;
    const now = this.#options.now();
    const back = now < this.#setAt;
    const jumped = back || now - this.#fireAt > LATE_MS;
    if (back) this.#dueAt = undefined;
    if (this.#dueAt !== undefined && now >= this.#dueAt) {
      this.stop();
      this.#options.dead();
    } else if (jumped) this.#ask(now, PROBE_MS);
    else if (now >= this.#pingAt) this.#ask(now, this.#timeoutMs);
    if (this.#timer !== undefined) this.#arm(now);
    if (jumped) this.#options.late();
  }

  heard(): void {
    this.roundTrip.answered(this.#options.now());
    this.#dueAt = undefined;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #ask(now: number, patienceMs: number): void {
    const due = now + patienceMs + 2 * this.roundTrip.ms;
    // Who is asked again has no more time than before.
    this.#dueAt = Math.min(this.#dueAt ?? due, due);
    this.#pingAt = now + this.#intervalMs;
    this.roundTrip.asked(now);
    this.#options.ping();
  }

  #arm(now: number): void {
    clearTimeout(this.#timer);
    this.#setAt = now;
    this.#fireAt = Math.min(this.#pingAt, this.#dueAt ?? this.#pingAt);
    this.#timer = setTimeout(() => this.check(), this.#fireAt - now);
  }
}

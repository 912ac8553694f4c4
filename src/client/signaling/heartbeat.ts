import { RoundTrip } from '../../protocol/round-trip.ts';

/** A timer this late shows that the machine slept or the page was held up. */
const LATE_MS = 2_000;
/** Time for a doubted socket to answer, in addition to its round trip. */
const PROBE_MS = 1_500;

export interface HeartbeatOptions {
  /** The wall clock, which continues during sleep. */
  readonly now: () => number;
  readonly ping: () => void;
  /** The socket is open but dead. */
  readonly dead: () => void;
  /** The clock has jumped: the machine slept, or the page was held up. */
  readonly late: () => void;
}

/**
 * Detects a socket that is open but dead, by an unanswered ping. Silence alone proves nothing: browsers may run a
 * background page only once a minute, and it sends no ping meanwhile. After a sleep the first check sends one.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #intervalMs = 0;
  #timeoutMs = 0;
  readonly roundTrip = new RoundTrip();
  /** Times: of the next ping, of the last ping's deadline, of setting the timer, of its firing. */
  #pingAt = 0;
  #dueAt: number | undefined;
  #setAt = 0;
  #fireAt = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /**
   * Pings every `intervalMs`; calls `dead` after `timeoutMs` without an answer. Begins as if a message had just
   * arrived.
   */
  start(intervalMs: number, timeoutMs: number): void {
    const now = this.#options.now();
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs;
    this.#dueAt = undefined;
    // The message that starts this also answers earlier pings.
    this.roundTrip.answered(now);
    this.#pingAt = now + intervalMs;
    this.#arm(now);
  }

  /** The client sent another frame that the server answers. */
  asked(): void {
    this.roundTrip.asked(this.#options.now());
  }

  /** Pings now, with a short deadline. */
  probe(): void {
    if (this.#timer === undefined) return;
    const now = this.#options.now();
    this.#ask(now, PROBE_MS);
    this.#arm(now);
  }

  /** Checks the clock now. */
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
    // A second probe must not extend the first one's deadline.
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

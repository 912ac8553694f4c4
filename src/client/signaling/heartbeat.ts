/**
 * Notices a socket that is open and dead. Compares clocks instead of counting timers, so that a laptop that has slept
 * knows at its first tick.
 */
export class Heartbeat {
  readonly #now: () => number;
  readonly #ping: () => void;
  readonly #dead: () => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  #heardAt = 0;
  #pingedAt = 0;
  #intervalMs = 0;
  #silenceMs = 0;

  constructor({ now, ping, dead }: { now: () => number; ping: () => void; dead: () => void }) {
    this.#now = now;
    this.#ping = ping;
    this.#dead = dead;
  }

  /** Pings every `intervalMs`; `dead` after `intervalMs + timeoutMs` without a word. */
  start(intervalMs: number, timeoutMs: number): void {
    this.stop();
    this.#heardAt = this.#now();
    this.#silenceMs = intervalMs + timeoutMs;
    this.#timer = setInterval(() => this.check(), Math.min(intervalMs, timeoutMs) / 2);
    this.#pingedAt = this.#heardAt;
    this.#intervalMs = intervalMs;
  }

  /** Looks at the clock now. */
  check(): void {
    if (this.#timer === undefined) return;
    const now = this.#now();
    if (now - this.#heardAt > this.#silenceMs) {
      this.stop();
      this.#dead();
    } else if (now - this.#pingedAt >= this.#intervalMs) {
      this.#pingedAt = now;
      this.#ping();
    }
  }

  heard(): void {
    this.#heardAt = this.#now();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

import type { ServerEvents } from '../../../protocol/frames.ts';

/** How long after its beginning a session expects those back who were in its life before. */
const RETURN_MS = 15_000;
/** How many are remembered: far fewer than an outbox holds. */
const LIMIT = 500;

/** Signals to everyone, for those who were in the life before the crash and are just coming back: they get them when they do. */
export class MissedSignals {
  readonly #begunAt: number;
  #signals: readonly ServerEvents['signal'][] = [];

  /** `begunAt`: when the life of the session began, Unix time, ms. */
  constructor(begunAt: number) {
    this.#begunAt = begunAt;
  }

  /** Those that who comes back now has missed. */
  get all(): readonly ServerEvents['signal'][] {
    return this.#signals;
  }

  add(signal: ServerEvents['signal']): void {
    const returning = Date.now() - this.#begunAt < RETURN_MS;
    this.#signals = returning ? [...this.#signals, signal].slice(-LIMIT) : [];
  }
}

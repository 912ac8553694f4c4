import type { ServerEvents } from '../../../protocol/frames.ts';
import { steadyTime } from '../../shared/steady-time.ts';
import { contentBytes } from './frame-bytes.ts';

/** How long after its beginning a session expects those back who were in its life before. */
const RETURN_MS = 15_000;
/** How many are remembered: what an outbox holds besides the signals that were kept for a member. */
const LIMIT = 500;
const LIMIT_BYTES = 1024 * 1024;

/** Signals to everyone, for those who were in the life before the crash and are just coming back: they get them when they do. */
export class MissedSignals {
  readonly #begunAt: number;
  #signals: ServerEvents['signal'][] = [];
  #bytes = 0;

  /** `begunAt`: when the life of the session began, Unix time, ms. */
  constructor(begunAt: number) {
    this.#begunAt = begunAt;
  }

  /** Those that who comes back now has missed. */
  get all(): readonly ServerEvents['signal'][] {
    return this.#signals;
  }

  add(signal: ServerEvents['signal']): void {
    if (steadyTime() - this.#begunAt >= RETURN_MS) {
      this.#signals = [];
      this.#bytes = 0;
      return;
    }
    this.#signals.push(signal);
    this.#bytes += contentBytes(signal);
    while (this.#signals.length > LIMIT || this.#bytes > LIMIT_BYTES)
      this.#bytes -= contentBytes(this.#signals.shift());
  }
}

import type { ServerEvents } from '../../../protocol/frames.ts';
import { contentBytes } from './frame-bytes.ts';

/** How long after its beginning a session expects those back who were in its life before. */
const RETURN_MS = 15_000;
/** How many are remembered: what an outbox holds besides the signals that were kept for a member. */
const LIMIT = 500;
const LIMIT_BYTES = 1024 * 1024;

/** Signals to everyone, for those who were in the life before the crash and are just coming back: they get them when they do. */
export class MissedSignals {
  readonly #ageMs: () => number;
  #signals: ServerEvents['signal'][] = [];
  #bytes = 0;

  /** `ageMs`: how long ago the life of the session began. */
  constructor(ageMs: () => number) {
    this.#ageMs = ageMs;
  }

  /** Those that who comes back now has missed. */
  get all(): readonly ServerEvents['signal'][] {
    return this.#signals;
  }

  add(signal: ServerEvents['signal']): void {
    if (this.#ageMs() >= RETURN_MS) {
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

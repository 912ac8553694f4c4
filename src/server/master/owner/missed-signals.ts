import type { ServerEvents } from '../../../protocol/frames.ts';
import { contentBytes } from './frame-bytes.ts';

/** For how long after its creation a session expects members of its previous life to return. */
const RETURN_MS = 15_000;
/** How many signals are remembered: what an outbox holds besides the stored signals of a member. */
const LIMIT = 500;
const LIMIT_BYTES = 1024 * 1024;

/** Remembers signals to everyone for members of the previous life that are still rejoining after a crash. */
export class MissedSignals {
  readonly #ageMs: () => number;
  #signals: ServerEvents['signal'][] = [];
  #bytes = 0;

  /** `ageMs`: age of this life of the session. */
  constructor(ageMs: () => number) {
    this.#ageMs = ageMs;
  }

  /** The signals that a client rejoining now has missed. */
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

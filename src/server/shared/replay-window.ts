/** How far a call may arrive behind the newest of its caller. Calls over different connections overtake each other. */
const WINDOW = 8_192;
/** A caller that has been idle for this long is forgotten, ms. Its old calls are no longer accepted anyway. */
const FORGET_MS = 15 * 60 * 1_000;
/** Far more than the processes of a cluster, though each restart counts as another caller. */
const MOST_CALLERS = 4_096;

interface Caller {
  newest: number;
  /** A bit for each number of the window, at `number % WINDOW`. */
  readonly seen: Uint32Array;
  usedAt: number;
}

/**
 * Detects repeated calls. Each caller numbers its calls from 1 under a random name. The receiver remembers the newest number and a window
 * before it, so its memory doesn't grow with the number of calls.
 */
export class ReplayWindow {
  readonly #callers = new Map<string, Caller>();
  readonly #now: () => number;

  /** `now`: a monotonic clock, ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** `false`: the call is repeated, or too old to tell. Call this once per call, after verifying its signature. */
  admit(name: string, number: number): boolean {
    const caller = this.#callerOf(name);
    if (number <= caller.newest - WINDOW) return false;
    if (number > caller.newest) {
      const from = Math.max(caller.newest + 1, number - WINDOW + 1);
      for (let skipped = from; skipped <= number; skipped += 1) clear(caller.seen, skipped);
      caller.newest = number;
    } else if (isSet(caller.seen, number)) return false;
    set(caller.seen, number);
    return true;
  }

  get size(): number {
    return this.#callers.size;
  }

  #callerOf(name: string): Caller {
    const now = this.#now();
    const known = this.#callers.get(name);
    const caller = known ?? { newest: 0, seen: new Uint32Array(WINDOW / 32), usedAt: now };
    caller.usedAt = now;
    // The map is in the order of last use.
    this.#callers.delete(name);
    this.#callers.set(name, caller);
    if (!known) this.#forget(now);
    return caller;
  }

  #forget(now: number): void {
    for (const [name, { usedAt }] of this.#callers) {
      if (now - usedAt < FORGET_MS && this.#callers.size <= MOST_CALLERS) return;
      this.#callers.delete(name);
    }
  }
}

const at = (number: number): readonly [word: number, bit: number] => {
  const place = number % WINDOW;
  return [place >>> 5, 1 << (place & 31)];
};

function isSet(seen: Uint32Array, number: number): boolean {
  const [word, bit] = at(number);
  return ((seen[word] ?? 0) & bit) !== 0;
}

function set(seen: Uint32Array, number: number): void {
  const [word, bit] = at(number);
  seen[word] = (seen[word] ?? 0) | bit;
}

function clear(seen: Uint32Array, number: number): void {
  const [word, bit] = at(number);
  seen[word] = (seen[word] ?? 0) & ~bit;
}

/** How many numbers back a call may arrive behind the newest of its caller. Calls overtake each other on other connections. */
const WINDOW = 8_192;
/** A caller that has not called for so long is forgotten, ms. Its calls are too old by then to be accepted again. */
const FORGET_MS = 15 * 60 * 1_000;
/** A cluster has far fewer processes; each restart is another caller. */
const MOST_CALLERS = 4_096;

interface Caller {
  newest: number;
  /** A bit for each number of the window, at `number % WINDOW`. */
  readonly seen: Uint32Array;
  usedAt: number;
}

/**
 * Tells calls that come a second time. Each caller numbers its calls from 1 under a random name of its own; the receiver
 * remembers the newest number and a window before it, so its memory does not grow with the number of calls.
 */
export class ReplayWindow {
  readonly #callers = new Map<string, Caller>();
  readonly #now: () => number;

  /** `now`: a clock in ms that does not jump. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** `false`: the call has come before, or is too far behind the newest to tell. To be asked once, after the call is proven genuine. */
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
    // The order of the map is the order of last use.
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

import { ProtocolError } from '../../protocol/errors.ts';
import type { SessionId } from '../../protocol/ids.ts';
import type { Fence } from './api.ts';

/** An hour. No process that still holds an older epoch stays frozen for longer and still matters. */
const KEEP_MS = 60 * 60 * 1_000;

interface Held {
  readonly fence: Fence;
  readonly usedAt: number;
}

/**
 * The highest epoch of each session that this node has seen. It makes a wrong verdict about a master harmless: that master's commands
 * are refused from the moment its successor has sent one.
 */
export class Fences {
  /** In the order of last use. */
  readonly #held = new Map<SessionId, Held>();
  readonly #now: () => number;

  /** `now`: a monotonic clock, ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Admits a command, and remembers its epoch.
   * @returns `raised` when the epoch is higher than any before, otherwise `same`
   * @throws {ProtocolError} EPOCH_STALE for a lower epoch, and for the same epoch from another owner or life
   */
  admit(fence: Fence): 'raised' | 'same' {
    const { sessionId, epoch, owner, uniqueSessionId } = fence;
    const highest = this.#held.get(sessionId)?.fence;
    if (highest && epoch < highest.epoch) {
      throw new ProtocolError(
        'EPOCH_STALE',
        `epoch ${epoch}, the highest seen is ${highest.epoch} of ${highest.owner}`,
      );
    }
    // The store gives an epoch to only one master and one life of the session, so a second claim is a fault.
    if (highest?.epoch === epoch && (highest.owner !== owner || highest.uniqueSessionId !== uniqueSessionId)) {
      throw new ProtocolError(
        'EPOCH_STALE',
        `epoch ${epoch} is that of ${highest.owner} and ${highest.uniqueSessionId}`,
      );
    }
    this.#held.delete(sessionId);
    this.#held.set(sessionId, { fence, usedAt: this.#now() });
    return highest?.epoch === epoch ? 'same' : 'raised';
  }

  /** Forgets sessions unused for an hour, except those `inUse`, whose rooms still need protection. */
  sweep(inUse: (sessionId: SessionId) => boolean): void {
    const now = this.#now();
    for (const [sessionId, held] of this.#held) {
      if (now - held.usedAt < KEEP_MS) return;
      this.#held.delete(sessionId);
      if (inUse(sessionId)) this.#held.set(sessionId, { ...held, usedAt: now });
    }
  }

  get size(): number {
    return this.#held.size;
  }
}

import { countedAs } from '../../shared/client-address.ts';

/** Limits for sockets before their hello. They are wide, as all clients of a crashed master return at once. */
export interface NewcomerLimits {
  readonly sockets: number;
  readonly socketsEach: number;
  readonly bytes: number;
  readonly bytesEach: number;
}

export const NEWCOMER_LIMITS: NewcomerLimits = {
  sockets: 20_000,
  socketsEach: 2_000,
  bytes: 64 * 1024 * 1024,
  bytesEach: 8 * 1024 * 1024,
};

/** A socket before its hello. */
export interface Newcomer {
  /** `false`: this socket's address, or all sockets before their hello together, have sent too much. */
  received(bytes: number): boolean;
  /** Call this when the client has said hello or has closed the socket. */
  leave(): void;
}

interface Counts {
  sockets: number;
  bytes: number;
}

/** Counts sockets before their hello, altogether and by address, so that one address can't keep all others out. */
export class Newcomers {
  readonly #limits: NewcomerLimits;
  readonly #all: Counts = { sockets: 0, bytes: 0 };
  readonly #byAddress = new Map<string, Counts>();

  constructor(limits: NewcomerLimits = NEWCOMER_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#all.sockets;
  }

  /** `undefined` when there are too many. */
  admit(address: string): Newcomer | undefined {
    const key = countedAs(address);
    const { sockets, socketsEach, bytes, bytesEach } = this.#limits;
    const ofAddress = this.#byAddress.get(key) ?? { sockets: 0, bytes: 0 };
    if (this.#all.sockets >= sockets || ofAddress.sockets >= socketsEach) return undefined;
    this.#byAddress.set(key, ofAddress);
    const counted = [this.#all, ofAddress];
    for (const counts of counted) counts.sockets += 1;
    let own = 0;
    let here = true;
    return {
      received: (more) => {
        own += more;
        for (const counts of counted) counts.bytes += more;
        return this.#all.bytes <= bytes && ofAddress.bytes <= bytesEach;
      },
      leave: () => {
        if (!here) return;
        here = false;
        for (const counts of counted) {
          counts.sockets -= 1;
          counts.bytes -= own;
        }
        if (ofAddress.sockets === 0) this.#byAddress.delete(key);
      },
    };
  }
}

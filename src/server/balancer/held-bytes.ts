/** The budget that is exhausted: of the client's address, or of all clients together. */
export type Exceeded = 'address' | 'total';

/** The part of the budget that a request holds. */
export interface Share {
  /** Takes bytes from the budget. If one is exhausted, returns which, and takes nothing. */
  take(bytes: number): Exceeded | undefined;
  /** Returns all bytes to the budget. */
  release(): void;
}

/** Limits the bytes that a process holds for all requests, and for the requests of one address, so that none can use up all. */
export class HeldBytes {
  readonly #most: number;
  readonly #mostEach: number;
  readonly #held = new Map<string, number>();
  #total = 0;

  constructor(most: number, mostEach: number) {
    this.#most = most;
    this.#mostEach = mostEach;
  }

  get held(): number {
    return this.#total;
  }

  share(address: string): Share {
    let own = 0;
    return {
      take: (bytes) => {
        if ((this.#held.get(address) ?? 0) + bytes > this.#mostEach) return 'address';
        if (this.#total + bytes > this.#most) return 'total';
        own += bytes;
        this.#add(address, bytes);
        return undefined;
      },
      release: () => {
        this.#add(address, -own);
        own = 0;
      },
    };
  }

  #add(address: string, bytes: number): void {
    this.#total += bytes;
    const held = (this.#held.get(address) ?? 0) + bytes;
    if (held > 0) this.#held.set(address, held);
    else this.#held.delete(address);
  }
}

import { EventEmitter } from 'node:events';
import type { InstanceId } from '../../shared/identity.ts';
import type { Logger } from '../../shared/logging.ts';
import { type SessionRecord, type Store, StoreError } from '../../store/store.ts';

export interface OwnerDeathsEvents {
  /** The store knows the end of everything that `owner` had: clients can be told. */
  settled: [owner: InstanceId];
}

/**
 * What the death of an owner means. Every living master settles it, whoever is first in the store decides, the others
 * find it decided: ending a session names the epoch it had, so it can be ended once only and never a later life of it.
 */
export class OwnerDeaths extends EventEmitter<OwnerDeathsEvents> {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #settling = new Map<InstanceId, Promise<void>>();
  readonly #settled = new Set<InstanceId>();

  constructor(store: Store, log: Logger) {
    super();
    this.#store = store;
    this.#log = log;
  }

  /** Whether everything that `owner` had has come to its end: what it answered just before is no longer true. */
  isSettled(owner: InstanceId): boolean {
    return this.#settled.has(owner);
  }

  /** It was only silent, and is back: what it owns from now on counts. */
  revive(owner: InstanceId): void {
    this.#settled.delete(owner);
  }

  /** Resolves when every session of `owner` has an end in the store. Tries until the store answers. */
  settle(owner: InstanceId): Promise<void> {
    const going = this.#settling.get(owner);
    if (going) return going;
    const settling = this.#settle(owner).finally(() => this.#settling.delete(owner));
    this.#settling.set(owner, settling);
    return settling;
  }

  async #settle(owner: InstanceId): Promise<void> {
    for (;;) {
      try {
        const sessions = await this.#store.listSessions({ owner });
        await Promise.all(sessions.map((session) => this.#endOne(session)));
        this.#settled.add(owner);
        this.emit('settled', owner);
        return;
      } catch (error) {
        // The store gives up only after seconds of trying, so this loop is not a busy one.
        if (!(error instanceof StoreError)) throw error;
        this.#log.error({ err: error, owner }, 'The store does not answer; the sessions of a dead master wait for it.');
      }
    }
  }

  async #endOne({ uniqueSessionId, epoch }: SessionRecord): Promise<void> {
    if (await this.#store.endSession(uniqueSessionId, epoch, 'nodeCrashed')) {
      this.#log.warn({ session: uniqueSessionId, epoch }, 'A session is destroyed: its owner has crashed.');
    }
  }
}

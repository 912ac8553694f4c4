import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceId } from '../shared/identity.ts';
import type { Logger } from '../shared/logging.ts';
import type { NodeLease, Store } from '../store/store.ts';

export interface LeaseOptions {
  readonly store: Pick<Store, 'renewLease' | 'dropLease' | 'listNodes'>;
  /** The content of the lease at this moment. */
  readonly lease: () => NodeLease;
  readonly leaseRenewMs: number;
  readonly leaseMs: number;
  readonly log: Logger;
}

/** Keeps this node on the store's list and knows the other nodes there. A store that is down affects nothing else. */
export class Lease {
  readonly #options: LeaseOptions;
  #others: ReadonlyMap<InstanceId, string> = new Map();
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#done = this.#keep();
  }

  /** The URL of another node, according to the store's last answer. */
  addressOf(instance: InstanceId): string | undefined {
    return this.#others.get(instance);
  }

  /** Takes the node off the list, so that no more sessions are placed here. */
  async close(): Promise<void> {
    const { store, lease, log } = this.#options;
    this.#closing.abort();
    // First wait for a renewal in progress, which would put the node back on the list.
    await this.#done;
    try {
      await store.dropLease(lease().instance);
    } catch (error) {
      log.warn({ err: error }, 'Failed to drop the lease; it will expire.');
    }
  }

  async #keep(): Promise<void> {
    const { store, lease, leaseRenewMs, leaseMs, log } = this.#options;
    const { signal } = this.#closing;
    let away = false;
    let listed = false;
    while (!signal.aborted) {
      try {
        const twin = await store.renewLease(lease(), leaseMs);
        // The first renewal may replace the lease of an earlier run that crashed.
        if (twin !== undefined && listed)
          log.error({ error: 'IdTaken', twin }, 'Another process runs under the same --id.');
        listed = true;
        this.#others = new Map((await store.listNodes()).map(({ instance, url }) => [instance, url]));
        if (away) log.info('The store answers again; renewed the lease.');
        away = false;
      } catch (error) {
        if (!away) log.warn({ err: error }, 'The store does not answer, so the lease is not renewed; media goes on.');
        away = true;
      }
      await delay(leaseRenewMs, undefined, { signal }).catch(() => {});
    }
  }
}

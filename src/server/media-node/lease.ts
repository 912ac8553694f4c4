import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceId } from '../shared/identity.ts';
import type { Logger } from '../shared/logging.ts';
import type { NodeLease, Store } from '../store/store.ts';

export interface LeaseOptions {
  readonly store: Pick<Store, 'renewLease' | 'dropLease' | 'listNodes'>;
  /** What the lease says at this moment. */
  readonly lease: () => NodeLease;
  readonly leaseRenewMs: number;
  readonly leaseMs: number;
  readonly log: Logger;
}

/** Keeps this node on the store's list, and knows the others on it. A store that is away changes nothing but that. */
export class Lease {
  readonly #options: LeaseOptions;
  #others: ReadonlyMap<InstanceId, string> = new Map();
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#done = this.#keep();
  }

  /** Where another node of the cluster is, as the store said last. */
  addressOf(instance: InstanceId): string | undefined {
    return this.#others.get(instance);
  }

  /** Takes the node off the list, so that nothing more is placed here. */
  async close(): Promise<void> {
    const { store, lease, log } = this.#options;
    this.#closing.abort();
    // Not before the renewal under way, which would put the node back on the list.
    await this.#done;
    try {
      await store.dropLease(lease().instance);
    } catch (error) {
      log.warn({ err: error }, 'lease not dropped, it will run out');
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
        // The first renewal may replace the lease of a former run, which has crashed.
        if (twin !== undefined && listed)
          log.error({ error: 'IdTaken', twin }, 'Another process runs under the same --id.');
        listed = true;
        this.#others = new Map((await store.listNodes()).map(({ instance, url }) => [instance, url]));
        if (away) log.info('store is back, lease renewed');
        away = false;
      } catch (error) {
        if (!away) log.warn({ err: error }, 'store is away, lease not renewed; media goes on');
        away = true;
      }
      await delay(leaseRenewMs, undefined, { signal }).catch(() => {});
    }
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceId } from '../../shared/identity.ts';
import { type InternalClient, PeerError } from '../../shared/internal-client.ts';
import type { Timing } from '../../shared/timing.ts';
import { type BatchResult, BatchSender } from './batch-sender.ts';
import type { AttachAnswer, AttachmentId, AttachRequest, Downward, EdgePort, OwnerPort, Upward } from './ports.ts';

/** Bodies of the calls between masters. */
export interface AttachBody {
  readonly request: AttachRequest;
}
export interface BatchBody<T> {
  readonly items: readonly T[];
}
/** Attachments that the receiver of a batch does not know. */
export interface BatchAnswer {
  readonly unknown: readonly AttachmentId[];
}

/** The connections to the other masters, as owners and as edges. There is one sender per direction and master. */
export class Links {
  readonly #client: InternalClient;
  readonly #timing: Timing;
  readonly #owners = new Map<InstanceId, { readonly port: OwnerPort; readonly sender: BatchSender<Upward> }>();
  readonly #edges = new Map<InstanceId, { readonly port: EdgePort; readonly sender: BatchSender<Downward> }>();
  /** Called with attachments that the other side does not know although this side does. */
  unknownAtOwner: (attachments: readonly AttachmentId[]) => void = () => {};
  unknownAtEdge: (attachments: readonly AttachmentId[]) => void = () => {};
  /** Called when a master does not answer. */
  failed: (instance: InstanceId) => void = () => {};
  /** Called when the owner cannot take what this attachment's client has sent. */
  refusedByOwner: (attachment: AttachmentId) => void = () => {};

  constructor(client: InternalClient, timing: Timing) {
    this.#client = client;
    this.#timing = timing;
  }

  owner(instance: InstanceId, url: string): OwnerPort {
    const known = this.#owners.get(instance);
    if (known) return known.port;
    const sender = new BatchSender<Upward>(
      (items) => this.#batch(`${url}/internal/up`, instance, items, (unknown) => this.unknownAtOwner(unknown)),
      ({ attachment }) => this.refusedByOwner(attachment),
      ({ attachment }) => this.unknownAtOwner([attachment]),
    );
    const port: OwnerPort = {
      attach: (request) =>
        this.#client.call<AttachAnswer>(
          `${url}/internal/attach`,
          instance,
          { request } satisfies AttachBody,
          // A first join waits for the media node, too.
          this.#timing.peerCallMs + this.#timing.mediaCommandMs,
        ),
      get isClosed() {
        return sender.isClosed;
      },
      up: (item) => sender.add(item),
    };
    this.#owners.set(instance, { port, sender });
    return port;
  }

  edge(instance: InstanceId, url: string): EdgePort {
    const known = this.#edges.get(instance);
    if (known) return known.port;
    const sender = new BatchSender<Downward>(
      (items) => this.#batch(`${url}/internal/down`, instance, items, (unknown) => this.unknownAtEdge(unknown)),
      ({ attachment }) => this.unknownAtEdge([attachment]),
    );
    const port: EdgePort = {
      down: (item) => {
        // The link was given up while a member was joining through it.
        if (sender.isClosed) queueMicrotask(() => this.unknownAtEdge([item.attachment]));
        else sender.add(item);
      },
    };
    this.#edges.set(instance, { port, sender });
    return port;
  }

  /** Resolves when everything has been sent, or after `withinMs`. */
  async flushed(withinMs: number): Promise<void> {
    const senders = [...this.#owners.values(), ...this.#edges.values()].map(({ sender }) => sender.idle());
    await Promise.race([Promise.all(senders), delay(withinMs)]);
  }

  /** Stops sending to a master that is dead or cannot be reached. */
  forget(instance: InstanceId): void {
    this.#owners.get(instance)?.sender.close();
    this.#edges.get(instance)?.sender.close();
    this.#owners.delete(instance);
    this.#edges.delete(instance);
  }

  close(): void {
    for (const instance of [...this.#owners.keys(), ...this.#edges.keys()]) this.forget(instance);
  }

  async #batch(
    url: string,
    instance: InstanceId,
    items: string,
    unknown: (attachments: readonly AttachmentId[]) => void,
  ): Promise<BatchResult> {
    try {
      const body = `{"items":${items}}`;
      unknown((await this.#client.callJson<BatchAnswer>(url, instance, body, this.#timing.peerCallMs)).unknown);
      return 'taken';
    } catch (error) {
      if (error instanceof PeerError && error.failure === 'failed') return 'refused';
      this.failed(instance);
      throw error;
    }
  }
}

import type { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import type { SessionId } from '../../../protocol/ids.ts';
import type { Identity, InstanceId } from '../../shared/identity.ts';
import type { LiveBeat } from '../../shared/live-feed.ts';
import type { Logger } from '../../shared/logging.ts';
import type { SessionRecord, Store } from '../../store/store.ts';
import type { Directory, DirectoryEvents } from '../cluster/directory.ts';
import type { SessionChronicle, SessionFact, SessionLife } from '../owner/session-chronicle.ts';
import { EventMaker } from './event-maker.ts';
import { type EventSource, EventWriter } from './event-writer.ts';
import { NodeEvents } from './node-events.ts';
import { SessionEvents } from './session-events.ts';
import type { MediaNodeStatus } from './webhook-events.ts';
import { labelOf, WebhookMetrics } from './webhook-metrics.ts';
import { WebhookQueue } from './webhook-queue.ts';
import { WebhookSender } from './webhook-sender.ts';
import type { WebhookSettings } from './webhook-settings.ts';

export interface WebhooksParts {
  readonly self: Identity;
  readonly store: Pick<Store, 'webhooks' | 'now'>;
  readonly settings: WebhookSettings;
  readonly metrics: Registry;
  readonly log: Logger;
  /** Host of the cluster's public URL. */
  readonly clusterId: string;
  /** How often to look for deliveries that dead masters left, ms. Default 5000. */
  readonly lookMs?: number;
  /** How long after the end of a session another master reports it if its owner has not, ms. Default 10 000. */
  readonly overdueMs?: number;
}

/** How long the settlement of a crash waits for `nodeCrashed` to be written first. */
const PATIENCE_MS = 1_000;
/** How long the last events may take to be written at an orderly end. */
const LAST_WORDS_MS = 1_000;
/** How many looks lie between two deletions of old entries. */
const FORGET_LOOKS = 12;

/**
 * Sends events about the cluster to external receivers by HTTP. Every event is first written into the store's outbox. It is delivered
 * from there by the master that wrote it or, after that master's death, by another that claims it.
 */
export class Webhooks implements SessionChronicle {
  readonly #parts: WebhooksParts;
  readonly #sessionEvents: SessionEvents;
  readonly #nodeEvents: NodeEvents;
  readonly #sessionWriter: EventWriter;
  readonly #nodeWriter: EventWriter;
  readonly #queues: readonly WebhookQueue[];
  readonly #timer: NodeJS.Timeout;
  readonly #overdueMs: number;
  /** When each node was last heard (Unix time, ms), and its status then. */
  readonly #heard = new Map<InstanceId, { readonly at: number; readonly status: MediaNodeStatus }>();
  #looks = 0;

  constructor(parts: WebhooksParts) {
    this.#parts = parts;
    const { self, store, settings, log, clusterId } = parts;
    const { targets, events, queue } = settings;
    const outbox = store.webhooks;
    const owner = self.instance;
    const maker = new EventMaker(targets, events);
    this.#sessionEvents = new SessionEvents(outbox, maker);
    this.#nodeEvents = new NodeEvents(outbox, maker, clusterId);

    const metrics = new WebhookMetrics(parts.metrics, targets, (target) => outbox.count(owner, target));
    const dropped = (count: number, target?: string): void => {
      for (const one of target === undefined ? targets : [target]) metrics.count('dropped', one, count);
    };
    const writer = (): EventWriter =>
      new EventWriter({ outbox, owner, bound: queue, log, written: () => this.#wake(), dropped });
    this.#sessionWriter = writer();
    // A separate writer, so that reports of crashes don't wait behind events of sessions.
    this.#nodeWriter = writer();
    this.#queues = targets.map((target) => {
      const label = labelOf(target);
      const sender = new WebhookSender(target, settings);
      const tried = (outcome: 'sent' | 'failed' | 'dropped'): void => metrics.count(outcome, target);
      return new WebhookQueue({ target, label, owner, outbox, sender, settings, log, tried });
    });
    this.#overdueMs = parts.overdueMs ?? 10_000;
    this.#timer = setInterval(() => this.#try(this.#look()), parts.lookMs ?? 5_000);
    this.#try(this.#look());
  }

  tell(session: SessionLife, fact: SessionFact): Promise<void> {
    return this.#sessionWriter.written(this.#sessionEvents.of(session, fact, Date.now()));
  }

  /** From now on, reports on the nodes that this master sees. */
  follow(directory: EventEmitter<DirectoryEvents> & Pick<Directory, 'find'>): void {
    const { instance, url } = this.#parts.self;
    this.#nodeWriter.add(this.#nodeEvents.up({ instance, role: 'master', url }, Date.now()));
    directory.on('up', (peer, role) => {
      const node = directory.find(peer);
      if (!node || role === 'balancer') return;
      this.#nodeWriter.add(this.#nodeEvents.up({ instance: peer, role, url: node.url }, Date.now()));
    });
    directory.on('beat', (peer, role, beat) => {
      const at = this.#parts.store.now();
      const before = this.#heard.get(peer)?.status ?? 'running';
      const status = statusOf(beat) ?? before;
      this.#heard.set(peer, { at, status });
      if (role === 'media-node' && status !== before)
        this.#nodeWriter.add(this.#nodeEvents.statusChanged(peer, status, at));
    });
    directory.on('dead', (peer, role) => {
      if (role === 'master') this.#try(this.#claim(peer));
      if (role !== 'media-node') return;
      const { webhooks } = this.#parts.store;
      // Sessions that its death has ended have ended since then; other masters may have noticed before this one.
      const since = this.#heard.get(peer)?.at ?? this.#parts.store.now();
      this.#nodeWriter.add(this.#gone(peer, () => webhooks.sessionsAt(peer, since)));
    });
  }

  /**
   * Reports a master's death before its sessions are settled: afterwards, fewer sessions would be found. Resolves when that is written,
   * or after a second if the store is slow.
   */
  async masterDied(instance: InstanceId, sessions: readonly SessionRecord[]): Promise<void> {
    const sessionIds = sessions.map(({ sessionId }) => sessionId);
    const written = this.#nodeWriter.written(this.#gone(instance, async () => sessionIds));
    await Promise.race([written, delay(PATIENCE_MS, undefined, { ref: false })]);
  }

  /** Stops. Undelivered events stay in the outbox for another master or the next run of this one. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([this.#nodeWriter.close(LAST_WORDS_MS), this.#sessionWriter.close(LAST_WORDS_MS)]);
    await Promise.all(this.#queues.map((queue) => queue.close()));
  }

  #gone(instance: InstanceId, sessions: () => Promise<readonly SessionId[]>): EventSource {
    const wasAsked = (this.#heard.get(instance)?.status ?? 'running') !== 'running';
    return this.#nodeEvents.gone(instance, wasAsked, sessions, Date.now());
  }

  #wake(): void {
    for (const queue of this.#queues) queue.wake();
  }

  async #claim(from?: InstanceId): Promise<void> {
    const { self, store, log } = this.#parts;
    const claimed = await store.webhooks.claim(self.instance, from);
    if (claimed === 0) return;
    log.info({ from, events: claimed }, 'Delivering webhook events that a dead master left behind.');
    this.#wake();
  }

  async #look(): Promise<void> {
    const { webhooks } = this.#parts.store;
    this.#looks += 1;
    await this.#claim();
    for (const { reason, endedAt, ...session } of await webhooks.unended(this.#parts.store.now() - this.#overdueMs)) {
      void this.tell(session, { kind: 'ended', reason, at: endedAt });
    }
    if (this.#looks % FORGET_LOOKS === 0) await webhooks.forget();
  }

  /** Runs work that the next look repeats if it fails. */
  #try(work: Promise<void>): void {
    work.catch((error: unknown) =>
      this.#parts.log.warn({ err: error }, 'Failed to look for undelivered webhook events.'),
    );
  }
}

/** `undefined`: the node is temporarily unable to serve but not ending. */
function statusOf({ ready, retires, facts }: LiveBeat): MediaNodeStatus | undefined {
  if (!ready) return facts['workers'] === 0 ? undefined : 'terminating';
  return retires ? 'waiting-idle-to-terminate' : 'running';
}

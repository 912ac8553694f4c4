import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { UniqueSessionId } from '../../../protocol/ids.ts';
import type { InstanceId } from '../../shared/identity.ts';
import type { Logger } from '../../shared/logging.ts';
import { type SessionRecord, type Store, StoreError } from '../../store/store.ts';
import type { SessionChronicle } from '../owner/session-chronicle.ts';
import type { LiveNode } from './directory.ts';

export interface OwnerDeathsEvents {
  /** The store knows the end of everything that ends with `owner`; the rest has a new owner, or is about to. */
  settled: [owner: InstanceId];
}

/** How long the master that is to take a session over may take, before another one does. */
const CLAIM_MS = 500;

export interface OwnerDeathsParts {
  readonly self: InstanceId;
  readonly store: Store;
  readonly log: Logger;
  /** The masters that take sessions over: those that are ready, or, when there is none, this one. */
  readonly masters: () => InstanceId[];
  readonly mediaNode: (instance: InstanceId) => Promise<LiveNode | undefined>;
  readonly takeOver: (record: SessionRecord, mediaNode: LiveNode | undefined) => Promise<void>;
  /** Told of each death, with what it left behind, before anything is decided. */
  readonly flagged: (owner: InstanceId, sessions: readonly SessionRecord[]) => Promise<void>;
  readonly chronicle: SessionChronicle;
}

/**
 * What the death of an owner means. Every living master settles it. Sessions whose policy is `rebuild` are ended: whoever
 * is first in the store decides, the others find it decided, as an end names the epoch that it ends. Sessions whose policy
 * is `takeover` are claimed, each by the master that a hash of both names chooses, so that they spread without talk;
 * should it not do so in time, anyone does. A claim names the epoch, too: there is one winner.
 */
export class OwnerDeaths extends EventEmitter<OwnerDeathsEvents> {
  readonly #parts: OwnerDeathsParts;
  readonly #settling = new Map<InstanceId, Promise<void>>();
  readonly #settled = new Set<InstanceId>();
  /** Those that are taken for dead, until they are heard of again. */
  readonly #dead = new Set<InstanceId>();
  /** Sessions that another master is to take over. */
  readonly #waiting = new Set<UniqueSessionId>();

  constructor(parts: OwnerDeathsParts) {
    super();
    this.#parts = parts;
  }

  /** Whether everything that `owner` had has come to its end: what it answered just before is no longer true. */
  isSettled(owner: InstanceId): boolean {
    return this.#settled.has(owner);
  }

  /** It was only silent, and is back: what it owns from now on counts. */
  revive(owner: InstanceId): void {
    this.#settled.delete(owner);
    this.#dead.delete(owner);
  }

  /**
   * Resolves when every session of `owner` that ends with it has its end in the store, and those that are for this
   * master to take over are its own. Tries until the store answers.
   */
  settle(owner: InstanceId): Promise<void> {
    this.#dead.add(owner);
    const going = this.#settling.get(owner);
    if (going) return going;
    const settling = this.#settle(owner).finally(() => this.#settling.delete(owner));
    this.#settling.set(owner, settling);
    return settling;
  }

  async #settle(owner: InstanceId): Promise<void> {
    const { store, log } = this.#parts;
    for (;;) {
      try {
        const sessions = await store.listSessions({ owner });
        await this.#parts.flagged(owner, sessions);
        // It may have come back while the store was asked: what it has then is its own.
        if (!this.#dead.has(owner)) return;
        await Promise.all(sessions.map((session) => this.#decide(session)));
        if (!this.#dead.has(owner)) return;
        this.#settled.add(owner);
        this.emit('settled', owner);
        return;
      } catch (error) {
        // The store gives up only after seconds of trying, so this loop is not a busy one.
        if (!(error instanceof StoreError)) throw error;
        log.error({ err: error, owner }, 'The store does not answer; the sessions of a dead master wait for it.');
      }
    }
  }

  async #decide(session: SessionRecord): Promise<void> {
    const { self, store, log, chronicle } = this.#parts;
    const { uniqueSessionId, epoch, failover } = session;
    if (failover === 'takeover') {
      if (chosen(uniqueSessionId, this.#parts.masters()) === self) await this.#takeOver(session);
      else if (!this.#waiting.has(uniqueSessionId)) void this.#takeOverLater(session);
      return;
    }
    if (await store.endSession(uniqueSessionId, epoch, 'nodeCrashed')) {
      log.warn({ session: uniqueSessionId, epoch }, 'A session is destroyed: its owner has crashed.');
      void chronicle.tell(session, { kind: 'ended', reason: 'nodeCrashed' });
    }
  }

  async #takeOver(session: SessionRecord): Promise<void> {
    const { mediaNode, takeOver } = this.#parts;
    await takeOver(session, session.mediaNode && (await mediaNode(session.mediaNode)));
  }

  /** The chosen master may have crashed as well. A claim of what has been claimed already does nothing. */
  async #takeOverLater(session: SessionRecord): Promise<void> {
    const { uniqueSessionId } = session;
    this.#waiting.add(uniqueSessionId);
    try {
      await delay(CLAIM_MS);
      if (this.#dead.has(session.owner)) await this.#takeOver(session);
    } catch (error) {
      // Whoever asks for the session next settles it again.
      this.#parts.log.error({ err: error, session: uniqueSessionId }, 'A session could not be taken over.');
    } finally {
      this.#waiting.delete(uniqueSessionId);
    }
  }
}

/** The master with the highest hash of its name and the session's ("rendezvous hashing"): all come to the same one. */
function chosen(session: UniqueSessionId, masters: readonly InstanceId[]): InstanceId | undefined {
  const rank = (master: InstanceId): string => createHash('sha1').update(`${session} ${master}`).digest('hex');
  return [...masters].sort((a, b) => (rank(a) < rank(b) ? 1 : -1))[0];
}

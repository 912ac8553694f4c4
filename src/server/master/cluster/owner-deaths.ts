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
  /** The store has the end of every session that ends with `owner`. The others have a new owner or get one soon. */
  settled: [owner: InstanceId];
}

/** How long the chosen master may take to claim a session before others try. */
const CLAIM_MS = 500;

export interface OwnerDeathsParts {
  readonly self: InstanceId;
  readonly store: Store;
  readonly log: Logger;
  /** Masters that can take over sessions: the ready ones, or this one if none is ready. */
  readonly masters: () => InstanceId[];
  readonly mediaNode: (instance: InstanceId) => Promise<LiveNode | undefined>;
  readonly takeOver: (record: SessionRecord, mediaNode: LiveNode | undefined) => Promise<void>;
  /** Told of each death, with the sessions left behind, before anything is decided. */
  readonly flagged: (owner: InstanceId, sessions: readonly SessionRecord[]) => Promise<void>;
  readonly chronicle: SessionChronicle;
}

/**
 * Decides what happens to the sessions of a crashed owner. Every living master does this. With policy `rebuild` a session ends; an end
 * names the epoch, so only the first master's decision counts.
 *
 * With policy `takeover`, a hash of session and master chooses the master that claims it. This spreads the sessions without
 * communication. If the chosen master is late, any master claims; a claim names the epoch, too, so there is one winner.
 */
export class OwnerDeaths extends EventEmitter<OwnerDeathsEvents> {
  readonly #parts: OwnerDeathsParts;
  readonly #settling = new Map<InstanceId, Promise<void>>();
  readonly #settled = new Set<InstanceId>();
  /** Owners that are taken for dead until they are heard again. */
  readonly #dead = new Set<InstanceId>();
  /** Sessions that another master should take over. */
  readonly #waiting = new Set<UniqueSessionId>();

  constructor(parts: OwnerDeathsParts) {
    super();
    this.#parts = parts;
  }

  /** Whether all sessions of `owner` have been settled, so that an earlier answer of it no longer counts. */
  isSettled(owner: InstanceId): boolean {
    return this.#settled.has(owner);
  }

  /** The owner was only silent and is back: what it owns from now on counts. */
  revive(owner: InstanceId): void {
    this.#settled.delete(owner);
    this.#dead.delete(owner);
  }

  /**
   * Resolves when the store has the end of every session that ends with `owner`, and this master has taken over those chosen for it.
   * Retries until the store answers.
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
        // The owner may have returned while the store was asked: then it keeps what it has.
        if (!this.#dead.has(owner)) return;
        await Promise.all(sessions.map((session) => this.#decide(session)));
        if (!this.#dead.has(owner)) return;
        this.#settled.add(owner);
        this.emit('settled', owner);
        return;
      } catch (error) {
        // No delay is needed: each attempt gives up only after seconds of retrying.
        if (!(error instanceof StoreError)) throw error;
        log.error(
          { err: error, owner },
          'The store does not answer; the sessions of a dead master wait until it does.',
        );
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
      log.warn({ session: uniqueSessionId, epoch }, 'Destroyed a session because its owner has crashed.');
      void chronicle.tell(session, { kind: 'ended', reason: 'nodeCrashed' });
    }
  }

  async #takeOver(session: SessionRecord): Promise<void> {
    const { mediaNode, takeOver } = this.#parts;
    await takeOver(session, session.mediaNode && (await mediaNode(session.mediaNode)));
  }

  /** The chosen master may have crashed as well. Claiming a session that is already claimed does nothing. */
  async #takeOverLater(session: SessionRecord): Promise<void> {
    const { uniqueSessionId } = session;
    this.#waiting.add(uniqueSessionId);
    try {
      await delay(CLAIM_MS);
      if (this.#dead.has(session.owner)) await this.#takeOver(session);
    } catch (error) {
      // The next lookup of the session settles it again.
      this.#parts.log.error({ err: error, session: uniqueSessionId }, 'Failed to take over a session.');
    } finally {
      this.#waiting.delete(uniqueSessionId);
    }
  }
}

/** The master with the highest hash of its name and the session's (rendezvous hashing), so all masters choose the same. */
function chosen(session: UniqueSessionId, masters: readonly InstanceId[]): InstanceId | undefined {
  const rank = (master: InstanceId): string => createHash('sha1').update(`${session} ${master}`).digest('hex');
  return [...masters].sort((a, b) => (rank(a) < rank(b) ? 1 : -1))[0];
}

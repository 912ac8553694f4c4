import type { SessionId, UniqueSessionId } from '../../../protocol/ids.ts';
import type { InstanceId } from '../../shared/identity.ts';
import type { SessionRecord, Store } from '../../store/store.ts';
import type { OwnedSession } from '../owner/session.ts';
import type { Sessions } from '../owner/sessions.ts';
import type { Directory } from './directory.ts';
import type { OwnerDeaths } from './owner-deaths.ts';

export type Located =
  | { readonly kind: 'here'; readonly session: OwnedSession }
  | { readonly kind: 'elsewhere'; readonly record: SessionRecord; readonly owner: InstanceId; readonly url: string }
  /** The owner has crashed and another is about to claim the session, or a handover is under way. Look again in a moment. */
  | { readonly kind: 'changing'; readonly record: SessionRecord }
  /** The owner lives but cannot be reached from here. Another master can serve the client. */
  | { readonly kind: 'unreachable'; readonly record: SessionRecord }
  | { readonly kind: 'nowhere' };

/** Finds the living owner of a session. */
export class Locator {
  readonly #self: InstanceId;
  readonly #sessions: Sessions;
  readonly #store: Store;
  readonly #directory: Directory;
  readonly #deaths: OwnerDeaths;

  constructor(self: InstanceId, sessions: Sessions, store: Store, directory: Directory, deaths: OwnerDeaths) {
    this.#self = self;
    this.#sessions = sessions;
    this.#store = store;
    this.#directory = directory;
    this.#deaths = deaths;
  }

  /**
   * @param suspect an owner that a call has just failed at: it is probed before it is returned again
   * @throws {StoreError} when the store has to be asked and does not answer
   */
  async locate(sessionId: SessionId, suspect?: InstanceId): Promise<Located> {
    const session = this.#sessions.get(sessionId);
    if (session?.isFrozen) return { kind: 'changing', record: session.record };
    if (session) return { kind: 'here', session: await this.#sessions.whole(session) };
    const record = await this.#store.getSession(sessionId);
    if (!record) return { kind: 'nowhere' };
    const { owner } = record;
    if (owner === this.#self) {
      // The session was created, claimed or ended here a moment ago, and the store is about to show it.
      const again = this.#sessions.get(sessionId);
      return again ? { kind: 'here', session: await this.#sessions.whole(again) } : { kind: 'changing', record };
    }
    const known = this.#directory.urlOf(owner);
    if (known && suspect !== owner) return { kind: 'elsewhere', record, owner, url: known };
    if (await this.#directory.isDead(owner)) {
      await this.#deaths.settle(owner);
      return record.failover === 'takeover' ? { kind: 'changing', record } : { kind: 'nowhere' };
    }
    if (this.#directory.isUnreachable(owner)) return { kind: 'unreachable', record };
    // Alive but without a liveness stream yet: don't use an owner whose death this master wouldn't notice.
    return known ? { kind: 'elsewhere', record, owner, url: known } : { kind: 'changing', record };
  }
}

/** The present life of the session. */
export function uniqueIdOf(located: Located): UniqueSessionId | undefined {
  switch (located.kind) {
    case 'here':
      return located.session.record.uniqueSessionId;
    case 'elsewhere':
    case 'changing':
    case 'unreachable':
      return located.record.uniqueSessionId;
    case 'nowhere':
      return undefined;
  }
}

import type { Fence } from '../../media-node/api.ts';
import type { InstanceId } from '../../shared/identity.ts';
import type { InternalClient } from '../../shared/internal-client.ts';
import type { Logger } from '../../shared/logging.ts';
import type { Timing } from '../../shared/timing.ts';
import type { Directory, LiveNode } from '../cluster/directory.ts';
import { MediaRoom } from './media-room.ts';
import type { Sessions } from './sessions.ts';

export interface RoomAuditParts {
  readonly self: InstanceId;
  readonly sessions: Pick<Sessions, 'get'>;
  readonly directory: Pick<Directory, 'live'>;
  readonly client: InternalClient;
  readonly timing: Timing;
  readonly log: Logger;
}

/** Interval of the audit, ms. */
const LOOK_MS = 5_000;
/** How many audits in a row must find the same unknown room: longer than opening a room takes. */
const LOOKS = 3;

/**
 * Closes rooms of this master that it doesn't know of. A media node keeps a room while its owner is alive, so such a room would stay
 * forever. It arises when a node answers too late to an opening, or was wrongly taken for dead.
 */
export class RoomAudit {
  readonly #parts: RoomAuditParts;
  readonly #timer: NodeJS.Timeout;
  /** How many audits in a row have found an unknown room, by node and session. */
  #strange = new Map<string, number>();

  constructor(parts: RoomAuditParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const found = await Promise.all(this.#parts.directory.live('media-node').map((node) => this.#strangeAt(node)));
    this.#strange = new Map(found.flat());
  }

  async #strangeAt(node: LiveNode): Promise<[string, number][]> {
    const { self, client, timing, log } = this.#parts;
    let rooms: readonly Fence[];
    try {
      const url = `${node.url}/internal/rooms`;
      ({ rooms } = await client.call<{ rooms: Fence[] }>(url, node.instance, { owner: self }, timing.peerCallMs));
    } catch {
      // The liveness feed handles a node that does not answer; the next audit tries again.
      return [];
    }
    const strange: [string, number][] = [];
    for (const fence of rooms) {
      if (this.#isKnown(fence, node)) continue;
      const key = `${node.instance} ${fence.uniqueSessionId}`;
      const times = (this.#strange.get(key) ?? 0) + 1;
      strange.push([key, times]);
      if (times < LOOKS) continue;
      log.warn({ session: fence.uniqueSessionId, mediaNode: node.instance }, 'Closing a room that was left behind.');
      new MediaRoom(node, fence, client, timing).attempt('closeRoom', {});
    }
    return strange;
  }

  #isKnown({ sessionId, uniqueSessionId }: Fence, node: LiveNode): boolean {
    const session = this.#parts.sessions.get(sessionId);
    if (session?.record.uniqueSessionId !== uniqueSessionId) return false;
    return session.room?.node === node.instance || session.roomsLeft.isAt(node.instance);
  }
}

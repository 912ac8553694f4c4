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

/** How often, ms. */
const LOOK_MS = 5_000;
/** So many looks in a row: longer than a room takes to be opened. */
const LOOKS = 3;

/**
 * A media node keeps a room for as long as its owner listens, so a room that its owner has forgotten stays for ever: one whose
 * opening was answered too late, or at a node that was taken for dead. Now and then each master looks for such rooms of its own.
 */
export class RoomAudit {
  readonly #parts: RoomAuditParts;
  readonly #timer: NodeJS.Timeout;
  /** How often in a row a room has been found that is not known here, by node and session. */
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
      // Its liveness says what there is to say; the next look comes soon.
      return [];
    }
    const strange: [string, number][] = [];
    for (const fence of rooms) {
      if (this.#isKnown(fence, node)) continue;
      const key = `${node.instance} ${fence.uniqueSessionId}`;
      const times = (this.#strange.get(key) ?? 0) + 1;
      strange.push([key, times]);
      if (times < LOOKS) continue;
      log.warn({ session: fence.uniqueSessionId, mediaNode: node.instance }, 'A room that was left behind is closed.');
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

import { ProtocolError } from '../../../protocol/errors.ts';
import type { MediaPlace } from '../../../protocol/frames.ts';
import type { Fence, MediaCommand, MediaCommands } from '../../media-node/api.ts';
import { type InstanceId, nodeIdOf } from '../../shared/identity.ts';
import { type InternalClient, PeerError } from '../../shared/internal-client.ts';
import type { Timing } from '../../shared/timing.ts';
import type { SessionRecord } from '../../store/store.ts';
import type { Directory, LiveNode } from '../cluster/directory.ts';

/** Sends the commands of one session's owner to the media node that carries it, fenced with the session's epoch. */
export class MediaRoom {
  readonly node: InstanceId;
  readonly #url: string;
  readonly #fence: Fence;
  readonly #client: InternalClient;
  readonly #timeoutMs: number;
  /** Told when there is no such room at the media node, or no such media node. */
  gone: () => void = () => {};

  constructor(node: LiveNode, fence: Fence, client: InternalClient, timing: Timing) {
    this.node = node.instance;
    this.#url = node.url;
    this.#fence = fence;
    this.#client = client;
    // A little longer than the node gives itself, so that its own word arrives first.
    this.#timeoutMs = timing.mediaCommandMs + 1_000;
  }

  /**
   * @throws {ProtocolError} the media node's refusal, or UNAVAILABLE when it does not answer
   */
  async command<C extends MediaCommand>(
    command: C,
    params: MediaCommands[C]['params'],
  ): Promise<MediaCommands[C]['result']> {
    try {
      return await this.#client.call<MediaCommands[C]['result']>(
        `${this.#url}/internal/media/${command}`,
        this.node,
        { fence: this.#fence, params },
        this.#timeoutMs,
      );
    } catch (error) {
      if (error instanceof PeerError) {
        // Another run of the node, or nobody, is at its address: the room is not there any more.
        if (error.failure === 'wrongInstance' || error.failure === 'refused') this.gone();
        throw new ProtocolError('UNAVAILABLE', `media node: ${error.failure}`);
      }
      if (error instanceof ProtocolError && error.code === 'SESSION_UNKNOWN') {
        // The room is not there any more, e.g. as its worker has died. Nothing that concerns a client.
        this.gone();
        throw new ProtocolError('UNAVAILABLE', 'the media is being hosted anew');
      }
      throw error;
    }
  }

  /** Something that need not succeed: the media node drops what has no owner by itself. */
  attempt<C extends MediaCommand>(command: C, params: MediaCommands[C]['params']): void {
    this.command(command, params).catch(() => {});
  }
}

export interface Placed {
  readonly room: MediaRoom;
  readonly media: MediaPlace;
}

/** Finds the media node with the most room. */
export class Placement {
  readonly #directory: Directory;
  readonly #client: InternalClient;
  readonly #timing: Timing;
  /** Placed here since the node last told its load, so that a burst of first joins does not fall on one node. */
  readonly #recent = new Map<InstanceId, { placed: number; beat: LiveNode['beat'] }>();

  constructor(directory: Directory, client: InternalClient, timing: Timing) {
    this.#directory = directory;
    this.#client = client;
    this.#timing = timing;
  }

  /**
   * Opens the session's room on the media node that it was created for, or else on the least loaded one that answers.
   * @throws {ProtocolError} UNAVAILABLE when none does
   */
  async place(session: SessionRecord, owner: InstanceId): Promise<Placed> {
    let lastFailure: unknown;
    for (const node of this.#byLoad(session.properties.mediaNode)) {
      try {
        const placed = await this.adopt(session, node, owner);
        this.#recent.set(node.instance, { beat: node.beat, placed: this.#placedOn(node) + 1 });
        return placed;
      } catch (error) {
        if (error instanceof ProtocolError && error.code === 'EPOCH_STALE') throw error;
        lastFailure = error;
      }
    }
    throw new ProtocolError('UNAVAILABLE', lastFailure ? String(lastFailure) : 'no media node is up');
  }

  /** Opens the session's room at this very node: where it is there already, its owner is `owner` from now on. */
  async adopt(session: SessionRecord, node: LiveNode, owner: InstanceId): Promise<Placed> {
    const { sessionId, uniqueSessionId, epoch } = session;
    const room = new MediaRoom(node, { sessionId, uniqueSessionId, epoch, owner }, this.#client, this.#timing);
    const { roomId, rtpCapabilities } = await room.command('openRoom', {});
    return { room, media: { id: roomId, rtpCapabilities: rtpCapabilities as object as MediaPlace['rtpCapabilities'] } };
  }

  /** Whether a media node that was chosen has begun to drain meanwhile. */
  drains(mediaNode: InstanceId): boolean {
    return this.#directory.find(mediaNode)?.beat?.ready === false;
  }

  #placedOn(node: LiveNode): number {
    const recent = this.#recent.get(node.instance);
    return recent && recent.beat === node.beat ? recent.placed : 0;
  }

  #byLoad(wanted: string | undefined): LiveNode[] {
    const rank = (node: LiveNode): number => {
      if (nodeIdOf(node.instance) === wanted) return -1;
      // Load in steps, as a percent or two is noise; within a step, the fewer rooms.
      const load = Math.round((node.beat?.load ?? 0) / 10);
      return load * 1_000 + Number(node.beat?.facts['rooms'] ?? 0) + this.#placedOn(node);
    };
    return this.#directory
      .live('media-node')
      .filter(({ beat }) => beat?.ready !== false && !beat?.retires)
      .sort((a, b) => rank(a) - rank(b));
  }
}

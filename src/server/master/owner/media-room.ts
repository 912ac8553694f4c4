import { ProtocolError } from '../../../protocol/errors.ts';
import type { MediaPlace } from '../../../protocol/frames.ts';
import type { Fence, MediaCommand, MediaCommands } from '../../media-node/api.ts';
import { type InstanceId, nodeIdOf } from '../../shared/identity.ts';
import { type InternalClient, PeerError } from '../../shared/internal-client.ts';
import type { Timing } from '../../shared/timing.ts';
import type { SessionRecord } from '../../store/store.ts';
import type { Directory, LiveNode } from '../cluster/directory.ts';
import { Closings } from './closings.ts';
import { NodeDead, NodeWatch } from './node-watch.ts';

/** Commands of which the later one counts if two are about the same key. */
const ORDERED: ReadonlySet<MediaCommand> = new Set([
  'createTransport',
  'closeTransport',
  'produce',
  'setProducerPaused',
  'closeProducer',
  'consume',
  'closeConsumer',
]);

/** A session's room at a media node. Sends the owner's commands there, fenced with the session's epoch. */
export class MediaRoom {
  readonly node: InstanceId;
  readonly #url: string;
  readonly #fence: Fence;
  readonly #client: InternalClient;
  readonly #timeoutMs: number;
  readonly #watch: NodeWatch | undefined;
  #orders = 0;
  /** Objects that the media node has yet to close. */
  readonly closings = new Closings({
    send: (command, params) => this.command(command, params),
    nextOrder: () => this.#nextOrder(),
    now: () => performance.now(),
  });
  /** Called when the room or its media node is found to be gone. */
  gone: () => void = () => {};

  /** `watch`: ends pending calls as soon as the node is found dead. Default: they run into their timeout. */
  constructor(node: LiveNode, fence: Fence, client: InternalClient, timing: Timing, watch?: NodeWatch) {
    this.#watch = watch;
    this.node = node.instance;
    this.#url = node.url;
    this.#fence = fence;
    this.#client = client;
    // Slightly longer than the node's own time limit, so that the node's error arrives first.
    this.#timeoutMs = timing.mediaCommandMs + 1_000;
  }

  /**
   * @throws {ProtocolError} the media node's refusal, or UNAVAILABLE when it does not answer within `withinMs`, or is dead
   */
  async command<C extends MediaCommand>(
    command: C,
    params: MediaCommands[C]['params'],
    withinMs = this.#timeoutMs,
  ): Promise<MediaCommands[C]['result']> {
    const numbered = ORDERED.has(command) ? { order: this.#nextOrder(), ...params } : params;
    const body = { fence: this.#fence, params: numbered };
    const call = (): Promise<MediaCommands[C]['result']> =>
      this.#client.call(`${this.#url}/internal/media/${command}`, this.node, body, withinMs);
    try {
      return await (this.#watch ? this.#watch.call(this.node, call) : call());
    } catch (error) {
      // Unlike a refusal, this says nothing about the room: the node may return with everything that it has.
      if (error instanceof NodeDead) throw new ProtocolError('UNAVAILABLE', 'the media node does not answer');
      if (error instanceof PeerError) {
        // Another run of the node, or no process, is at its address, so the room is gone.
        if (error.failure === 'wrongInstance' || error.failure === 'refused') this.gone();
        throw new ProtocolError('UNAVAILABLE', `media node: ${error.failure}`);
      }
      if (error instanceof ProtocolError && error.code === 'SESSION_UNKNOWN') {
        // The room is gone, for example because its worker died. The client needn't know that cause.
        this.gone();
        throw new ProtocolError('UNAVAILABLE', 'the media is being hosted anew');
      }
      throw error;
    }
  }

  /** Sends a command that may fail: the media node itself cleans up what has no owner. */
  attempt<C extends MediaCommand>(command: C, params: MediaCommands[C]['params']): void {
    this.command(command, params).catch(() => {});
  }

  #nextOrder(): number {
    this.#orders += 1;
    return this.#orders;
  }
}

export interface Placed {
  readonly room: MediaRoom;
  readonly media: MediaPlace;
  /** The room existed before this call. */
  readonly wasThere: boolean;
}

/** Media nodes to avoid. */
export interface PlacementWishes {
  /** A node that cannot be commanded at present. */
  readonly never?: InstanceId | undefined;
  /** Nodes with a room that the session is leaving, which a new room would replace. They are tried last. */
  readonly last?: ReadonlySet<InstanceId>;
}

/** How long a node may take to open a room before the next is tried: nobody should wait for a dead host. */
const LONGEST_OPENING_MS = 1_500;

/** Chooses media nodes for rooms. */
export class Placement {
  readonly #directory: Directory;
  readonly #client: InternalClient;
  readonly #timing: Timing;
  readonly #watch: NodeWatch;
  /** Rooms placed here since the node's last report of its load, so that a burst of first joins spreads over the nodes. */
  readonly #recent = new Map<InstanceId, { placed: number; beat: LiveNode['beat'] }>();

  constructor(directory: Directory, client: InternalClient, timing: Timing) {
    this.#directory = directory;
    this.#client = client;
    this.#timing = timing;
    this.#watch = new NodeWatch(directory);
  }

  /**
   * Opens the session's room on the media node that it was created for, or else on the least loaded one that answers.
   * @throws {ProtocolError} UNAVAILABLE when no node answers
   */
  async place(session: SessionRecord, owner: InstanceId, { never, last }: PlacementWishes = {}): Promise<Placed> {
    const withinMs = Math.min(this.#timing.verdictMs / 2, LONGEST_OPENING_MS);
    const unanswered: MediaRoom[] = [];
    let lastFailure: unknown;
    for (const node of this.#byLoad(session.properties.mediaNode, never, last)) {
      const room = this.#roomAt(session, node, owner);
      try {
        const placed = await this.#open(room, withinMs);
        this.#recent.set(node.instance, { beat: node.beat, placed: this.#placedOn(node) + 1 });
        // The nodes that did not answer may still open the room late.
        for (const other of unanswered) other.attempt('closeRoom', {});
        return placed;
      } catch (error) {
        if (error instanceof ProtocolError && error.code === 'EPOCH_STALE') throw error;
        if (!last?.has(node.instance)) unanswered.push(room);
        lastFailure = error;
      }
    }
    throw new ProtocolError('UNAVAILABLE', lastFailure ? String(lastFailure) : 'no media node is up');
  }

  /** Opens the session's room at this node. If the room exists, `owner` becomes its owner. */
  adopt(session: SessionRecord, node: LiveNode, owner: InstanceId): Promise<Placed> {
    return this.#open(this.#roomAt(session, node, owner));
  }

  #roomAt({ sessionId, uniqueSessionId, epoch }: SessionRecord, node: LiveNode, owner: InstanceId): MediaRoom {
    const fence = { sessionId, uniqueSessionId, epoch, owner };
    return new MediaRoom(node, fence, this.#client, this.#timing, this.#watch);
  }

  async #open(room: MediaRoom, withinMs?: number): Promise<Placed> {
    const { roomId, rtpCapabilities, wasThere } = await room.command('openRoom', {}, withinMs);
    const media = { id: roomId, rtpCapabilities: rtpCapabilities as object as MediaPlace['rtpCapabilities'] };
    return { room, media, wasThere };
  }

  /** Whether this media node has begun to drain. */
  drains(mediaNode: InstanceId): boolean {
    return this.#directory.find(mediaNode)?.beat?.ready === false;
  }

  #placedOn(node: LiveNode): number {
    const recent = this.#recent.get(node.instance);
    return recent && recent.beat === node.beat ? recent.placed : 0;
  }

  #byLoad(wanted: string | undefined, never?: InstanceId, last?: ReadonlySet<InstanceId>): LiveNode[] {
    const rank = (node: LiveNode): number => {
      if (last?.has(node.instance) || node.isDoubted) return Number.POSITIVE_INFINITY;
      if (nodeIdOf(node.instance) === wanted) return -1;
      // Load counts in steps of ten percent, as small differences are noise. Within a step, fewer rooms win.
      const load = Math.round((node.beat?.load ?? 0) / 10);
      return load * 1_000 + Number(node.beat?.facts['rooms'] ?? 0) + this.#placedOn(node);
    };
    return this.#directory
      .live('media-node')
      .filter(({ instance, beat }) => instance !== never && beat?.ready !== false && !beat?.retires)
      .map((node) => ({ node, rank: rank(node) }))
      .sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank))
      .map(({ node }) => node);
  }
}

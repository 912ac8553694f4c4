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

/** Sends the commands of one session's owner to the media node that carries it, fenced with the session's epoch. */
export class MediaRoom {
  readonly node: InstanceId;
  readonly #url: string;
  readonly #fence: Fence;
  readonly #client: InternalClient;
  readonly #timeoutMs: number;
  readonly #watch: NodeWatch | undefined;
  #orders = 0;
  /** What is to be closed there. */
  readonly closings = new Closings({
    send: (command, params) => this.command(command, params),
    nextOrder: () => this.#nextOrder(),
    now: () => performance.now(),
  });
  /** Told when there is no such room at the media node, or no such media node. */
  gone: () => void = () => {};

  /** `watch`: ends the calls to a dead node. Default: they take their time. */
  constructor(node: LiveNode, fence: Fence, client: InternalClient, timing: Timing, watch?: NodeWatch) {
    this.#watch = watch;
    this.node = node.instance;
    this.#url = node.url;
    this.#fence = fence;
    this.#client = client;
    // A little longer than the node gives itself, so that its own word arrives first.
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
      // It may be back with all that it has: unlike a refusal, this says nothing of the room.
      if (error instanceof NodeDead) throw new ProtocolError('UNAVAILABLE', 'the media node does not answer');
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

  #nextOrder(): number {
    this.#orders += 1;
    return this.#orders;
  }
}

export interface Placed {
  readonly room: MediaRoom;
  readonly media: MediaPlace;
  /** It was there before it was asked for. */
  readonly wasThere: boolean;
}

/** Of the nodes that are there, which are not wanted. */
export interface PlacementWishes {
  /** A node that cannot be commanded, whatever else it does. */
  readonly never?: InstanceId | undefined;
  /** Those that carry a room of the session that is being left: a new one would take its place. */
  readonly last?: ReadonlySet<InstanceId>;
}

/** How long a node may take to open a room before the next is asked, at most: nobody waits for a dead host. */
const LONGEST_OPENING_MS = 1_500;

/** Finds the media node with the most room. */
export class Placement {
  readonly #directory: Directory;
  readonly #client: InternalClient;
  readonly #timing: Timing;
  readonly #watch: NodeWatch;
  /** Placed here since the node last told its load, so that a burst of first joins does not fall on one node. */
  readonly #recent = new Map<InstanceId, { placed: number; beat: LiveNode['beat'] }>();

  constructor(directory: Directory, client: InternalClient, timing: Timing) {
    this.#directory = directory;
    this.#client = client;
    this.#timing = timing;
    this.#watch = new NodeWatch(directory);
  }

  /**
   * Opens the session's room on the media node that it was created for, or else on the least loaded one that answers.
   * @throws {ProtocolError} UNAVAILABLE when none answers
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
        // Their answers may only be late.
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

  /** Opens the session's room at this very node: where it is there already, its owner is `owner` from now on. */
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

  /** Whether a media node that was chosen has begun to drain meanwhile. */
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
      // Load in steps, as a percent or two is noise; within a step, the fewer rooms.
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

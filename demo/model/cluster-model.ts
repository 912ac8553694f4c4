import type { ClusterState, NodeState } from './cluster-state.ts';
import { killNode } from './demo-server.ts';
import type { EventLog } from './event-log.ts';
import { Observable } from './observable.ts';
import { problemOf } from './problem.ts';
import { SharedClusterFeed } from './shared-cluster-feed.ts';

/** The nodes behind the room, and their changes. */
export class ClusterModel extends Observable {
  nodes: readonly NodeState[] = [];
  room: ClusterState['room'];
  /** Whether the shown state is current. */
  live = false;
  mayKill = false;
  readonly #log: EventLog;
  readonly #nodeLost: () => void;
  /** When the page saw a node end, `performance.now()`. */
  readonly #downSince = new Map<string, number>();
  /** When the feed broke, `performance.now()`: nodes that ended meanwhile did so at about that time. */
  #blindSince: number | undefined;
  /** Killed processes that are still shown. */
  readonly #ending = new Map<string, number | undefined>();
  /** Between two lives of the session there is no room, so the next life is compared with this one. */
  #lastRoom: ClusterState['room'];
  #feed: SharedClusterFeed | undefined;

  /** `nodeLost`: called after the end of a node. */
  constructor(log: EventLog, nodeLost: () => void) {
    super();
    this.#log = log;
    this.#nodeLost = nodeLost;
  }

  watch(room: string): void {
    this.stop();
    this.#feed = new SharedClusterFeed(room, (state) => (state ? this.#take(state) : this.#lose()));
  }

  stop(): void {
    this.#feed?.close();
    this.#feed = undefined;
    this.nodes = [];
    this.room = undefined;
    this.live = false;
    this.mayKill = false;
    this.#downSince.clear();
    this.#ending.clear();
    this.#lastRoom = undefined;
    this.#blindSince = undefined;
    this.changed();
  }

  canKill({ id, pid, state }: NodeState): boolean {
    return this.mayKill && this.live && state === 'up' && (!this.#ending.has(id) || this.#ending.get(id) !== pid);
  }

  async kill({ id, pid }: NodeState): Promise<void> {
    this.#ending.set(id, pid);
    this.changed();
    try {
      await killNode(id);
    } catch (error) {
      // A killed balancer may end before it answers.
      if (this.nodes.find((node) => node.id === id)?.pid !== pid || this.#isBalancer(id)) return;
      this.#ending.delete(id);
      const { name, message } = problemOf(error);
      this.#log.add('exception', 'bad', name, { note: `${id} could not be killed: ${message}` });
      this.changed();
    }
  }

  #isBalancer(id: string): boolean {
    return this.nodes.some((node) => node.id === id && node.role === 'balancer');
  }

  #lose(): void {
    if (!this.live) return;
    this.live = false;
    this.#blindSince = performance.now();
    this.changed();
  }

  #take({ nodes, room, mayKill }: ClusterState): void {
    const before = new Map(this.nodes.map((node) => [node.id, node]));
    for (const node of nodes) {
      const old = before.get(node.id);
      if (old) this.#compareNode(old, node);
    }
    if (room) this.#compareRoom(room);
    this.nodes = nodes;
    this.room = room;
    this.mayKill = mayKill;
    this.live = true;
    this.#blindSince = undefined;
    this.changed();
  }

  #compareNode(old: NodeState, now: NodeState): void {
    const { id, pid, restarts } = now;
    if (old.state === 'up' && (now.state !== 'up' || now.pid !== old.pid)) {
      this.#downSince.set(id, this.#blindSince ?? performance.now());
      this.#nodeLost();
      this.#log.add('nodeKilled', 'bad', `${id} is down`, {
        note: `${this.#part(id)}pid ${old.pid ?? 'unknown'} ended`,
        detail: { id, pid: old.pid, role: now.role },
      });
    }
    const since = this.#downSince.get(id);
    if (now.state !== 'up' || since === undefined) return;
    this.#downSince.delete(id);
    this.#log.add('nodeRestarted', 'good', `${id} is up again`, {
      note: `pid ${pid ?? 'unknown'}`,
      durationMs: Math.round(performance.now() - since),
      detail: { id, pid, role: now.role, restarts },
    });
  }

  #compareRoom(now: NonNullable<ClusterState['room']>): void {
    const old = this.#lastRoom;
    // A room of a new life has no media node until a participant joins.
    this.#lastRoom = { ...old, ...now };
    if (!old) return;
    const { owner, mediaNode, epoch } = now;
    if (old.owner !== owner || old.epoch !== epoch) {
      const title = old.owner === owner ? `${owner} owns the room in a new life` : `${owner} owns the room now`;
      const note = old.owner === owner ? `epoch ${epoch}` : `before: ${old.owner} · epoch ${epoch}`;
      this.#log.add('ownerChanged', 'info', title, { note, detail: { owner, epoch, before: old.owner } });
    }
    if (old.mediaNode && mediaNode && old.mediaNode !== mediaNode) {
      const note = `before: ${old.mediaNode}`;
      this.#log.add('mediaNodeChanged', 'info', `${mediaNode} carries the media now`, { note, detail: { mediaNode } });
    }
  }

  #part(id: string): string {
    if (this.room?.owner === id) return 'owned the room · ';
    return this.room?.mediaNode === id ? 'carried the media · ' : '';
  }
}

import { EventEmitter } from 'node:events';
import type { Epoch, SessionId } from '../../protocol/ids.ts';
import { type NodeRole, newIdentity, nodeIdOf } from '../shared/identity.ts';
import { InternalClient } from '../shared/internal-client.ts';
import type { LiveBeat } from '../shared/live-feed.ts';
import { LiveLink } from '../shared/live-link.ts';
import { Secrets } from '../shared/secrets.ts';
import type { FailoverPolicy, Store } from '../store/store.ts';
import type { Child } from './child.ts';
import type { ClusterTiming } from './cluster-plan.ts';

/** A node for the demo page. */
export interface NodeView {
  readonly id: string;
  readonly role: NodeRole;
  /** Pid of the running process. */
  readonly pid: number | undefined;
  readonly url: string;
  /** `down`: the process has ended, or runs without answering. */
  readonly state: 'up' | 'starting' | 'down';
  /** 0 to 100, last reported; `undefined` for balancers. */
  readonly load: number | undefined;
  readonly facts: LiveBeat['facts'];
  readonly restarts: number;
  /** Unix time, ms, when the present or last process started. */
  readonly startedAt: number | undefined;
}

/** The nodes that serve a session at this moment. */
export interface RoomView {
  /** Node id of its owner. */
  readonly owner: string;
  /** Node id; `undefined` before the first join. */
  readonly mediaNode: string | undefined;
  readonly epoch: Epoch;
  readonly failover: FailoverPolicy;
}

export interface ClusterSnapshot {
  readonly nodes: readonly NodeView[];
  /** The requested session, while it exists. */
  readonly room?: RoomView;
  /** Whether the requesting page may end nodes. */
  readonly mayKill: boolean;
}

interface Watched {
  readonly child: Child;
  readonly link: LiveLink | undefined;
  /** Whether the present process has been heard yet. */
  heard: boolean;
  load: number | undefined;
  facts: LiveBeat['facts'];
}

/** The supervisor's view of the cluster: from its processes, their liveness streams and the store. */
export class ClusterView extends EventEmitter<{ changed: [] }> {
  readonly #store: Pick<Store, 'getSession'>;
  readonly #client: InternalClient;
  readonly #watched: readonly Watched[];

  constructor(children: readonly Child[], store: Pick<Store, 'getSession'>, secret: string, timing: ClusterTiming) {
    super();
    // There is one listener per watching page.
    this.setMaxListeners(0);
    this.#store = store;
    this.#client = new InternalClient(Secrets.of(secret), newIdentity('balancer', 'dev', '').instance);
    this.#watched = children.map((child) => {
      const link = child.role === 'balancer' ? undefined : new LiveLink(child.internalUrl, this.#client, timing);
      const watched: Watched = { child, link, heard: false, load: undefined, facts: {} };
      this.#listen(watched);
      return watched;
    });
  }

  nodes(): NodeView[] {
    return this.#watched.map((watched) => {
      const { id, role, pid, url, restarts, startedAt } = watched.child;
      const { load, facts } = watched;
      return { id, role, pid, url, state: stateOf(watched), load, facts, restarts, startedAt };
    });
  }

  /** @throws {StoreError} `unavailable` */
  async room(sessionId: SessionId): Promise<RoomView | undefined> {
    const session = await this.#store.getSession(sessionId);
    if (!session) return undefined;
    const { owner, mediaNode, epoch, failover } = session;
    return { owner: nodeIdOf(owner), mediaNode: mediaNode && nodeIdOf(mediaNode), epoch, failover };
  }

  async close(): Promise<void> {
    for (const { link } of this.#watched) link?.close();
    await this.#client.close();
  }

  #listen(watched: Watched): void {
    const changed = (): void => void this.emit('changed');
    const { child, link } = watched;
    child.on('started', () => {
      watched.heard = false;
      watched.load = undefined;
      watched.facts = {};
      changed();
    });
    child.on('ready', changed);
    child.on('exited', changed);
    link?.on('up', () => {
      watched.heard = true;
      changed();
    });
    link?.on('beat', ({ load, facts }) => {
      watched.load = load;
      watched.facts = facts;
    });
    link?.on('dead', changed);
  }
}

function stateOf({ child, link, heard }: Watched): NodeView['state'] {
  if (child.state !== 'up' || !link || link.instance !== undefined) return child.state;
  return heard ? 'down' : 'starting';
}

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

/** A node as the demo page shows it. */
export interface NodeView {
  readonly id: string;
  readonly role: NodeRole;
  /** Of the process that runs now. */
  readonly pid: number | undefined;
  readonly url: string;
  /** `down`: it has ended, or it runs and does not answer. */
  readonly state: 'up' | 'starting' | 'down';
  /** 0 to 100, as the node said last; balancers do not say. */
  readonly load: number | undefined;
  readonly facts: LiveBeat['facts'];
  readonly restarts: number;
  /** Unix time, ms, of the start of the process that runs now or ran last. */
  readonly startedAt: number | undefined;
}

/** Where a session is at this moment. */
export interface RoomView {
  /** Node id of its master. */
  readonly owner: string;
  /** Node id; none before someone has joined. */
  readonly mediaNode: string | undefined;
  readonly epoch: Epoch;
  readonly failover: FailoverPolicy;
}

export interface ClusterSnapshot {
  readonly nodes: readonly NodeView[];
  /** Of the session asked for, while there is one. */
  readonly room?: RoomView;
  /** Whether the page that is told this may end nodes. */
  readonly mayKill: boolean;
}

interface Watched {
  readonly child: Child;
  readonly link: LiveLink | undefined;
  /** This process of the child has been heard. */
  heard: boolean;
  load: number | undefined;
  facts: LiveBeat['facts'];
}

/** What the supervisor knows of the cluster, from its processes, from their liveness streams and from the store. */
export class ClusterView extends EventEmitter<{ changed: [] }> {
  readonly #store: Pick<Store, 'getSession'>;
  readonly #client: InternalClient;
  readonly #watched: readonly Watched[];

  constructor(children: readonly Child[], store: Pick<Store, 'getSession'>, secret: string, timing: ClusterTiming) {
    super();
    // One listener for each page that watches.
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

/** What `GET /demo/api/cluster` tells, each time that something has changed. */
export interface ClusterState {
  readonly nodes: readonly NodeState[];
  /** Where the room is, once it exists. */
  readonly room?: {
    /** Node id of its master. */
    readonly owner: string;
    /** Node id, once somebody has joined. */
    readonly mediaNode?: string;
    readonly epoch: number;
    readonly failover: 'rebuild' | 'takeover';
  };
  /** Whether this page may end nodes: one on another machine may not. */
  readonly mayKill: boolean;
}

export interface NodeState {
  readonly id: string;
  readonly role: 'master' | 'media-node' | 'balancer';
  readonly pid?: number;
  readonly url: string;
  readonly state: 'up' | 'starting' | 'down';
  /** 0 to 100; balancers do not say. */
  readonly load?: number;
  readonly facts: Readonly<Record<string, number | string>>;
  readonly restarts: number;
  /** Unix time, ms. */
  readonly startedAt?: number;
}

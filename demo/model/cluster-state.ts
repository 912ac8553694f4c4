/** The state that `GET /demo/api/cluster` sends after every change. */
export interface ClusterState {
  readonly nodes: readonly NodeState[];
  /** The processes of the room, if it exists. */
  readonly room?: {
    /** Node id of its master. */
    readonly owner: string;
    /** Node id, after the first participant has joined. */
    readonly mediaNode?: string;
    readonly epoch: number;
    readonly failover: 'rebuild' | 'takeover';
  };
  /** Whether this page may kill nodes; a page on another machine may not. */
  readonly mayKill: boolean;
}

export interface NodeState {
  readonly id: string;
  readonly role: 'master' | 'media-node' | 'balancer';
  readonly pid?: number;
  readonly url: string;
  readonly state: 'up' | 'starting' | 'down';
  /** 0 to 100; absent for balancers. */
  readonly load?: number;
  readonly facts: Readonly<Record<string, number | string>>;
  readonly restarts: number;
  /** Unix time, ms. */
  readonly startedAt?: number;
}

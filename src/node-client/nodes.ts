import type { Api, CallOptions } from './api.ts';
import { content, type Json, object, optionalNumber, string } from './json.ts';

/** A living process of the cluster. */
export interface ClusterNode {
  /** E.g. `master-1`. */
  readonly id: string;
  /** Role of the process. */
  readonly role: 'master' | 'media-node';
  /** `starting`, `running`, `retiring` or `draining`. */
  readonly status: string;
  /** 0 to 100. */
  readonly load: number;
  /** The server's whole answer about it. */
  readonly facts: Json;
}

/** Options of {@link Nodes.drain}. */
export interface DrainOptions extends CallOptions {
  /** How long the node may take to hand over its sessions, ms. Default: the node's --drain-deadline. */
  readonly drainMs?: number;
}

/** The masters and media nodes of a cluster. */
export class Nodes {
  readonly #api: Api;

  /** @internal */
  constructor(api: Api) {
    this.#api = api;
  }

  /** Lists the living masters and media nodes. */
  list(options?: CallOptions): Promise<readonly ClusterNode[]> {
    return this.#api.get('/nodes', (body) => content(body, 'The list of nodes').map(nodeOf), options);
  }

  /** Gets a node; code `NOT_FOUND` if no living node has this id. */
  get(id: string, options?: CallOptions): Promise<ClusterNode> {
    return this.#api.get(`/nodes/${encodeURIComponent(id)}`, (body) => nodeOf(object(body, 'The node')), options);
  }

  /**
   * Makes a node hand over its sessions and end. Resolves when this has begun; it is complete when the node is no longer listed. After an
   * unclear failure (`mayHaveRun`) the call is not retried, because another node may have the same id by then.
   */
  drain(id: string, { drainMs, ...options }: DrainOptions = {}): Promise<ClusterNode> {
    const body = drainMs === undefined ? {} : { deadlineMs: drainMs };
    const read = (answer: unknown): ClusterNode => nodeOf(object(answer, 'The node'));
    return this.#api.postOnce(`/nodes/${encodeURIComponent(id)}/drain`, body, read, options);
  }
}

function nodeOf(json: Json): ClusterNode {
  return {
    id: string(json, 'id'),
    role: json['role'] === 'master' ? 'master' : 'media-node',
    status: string(json, 'status'),
    load: optionalNumber(json, 'load') ?? 0,
    facts: json,
  };
}

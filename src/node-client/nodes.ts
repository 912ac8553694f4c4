import type { Api, CallOptions } from './api.ts';
import { content, type Json, object, optionalNumber, string } from './json.ts';

/** A process of the cluster that is alive. */
export interface ClusterNode {
  /** E.g. `master-1`. */
  readonly id: string;
  /** What it does. */
  readonly role: 'master' | 'media-node';
  /** `starting`, `running` or `draining`. */
  readonly status: string;
  /** 0 to 100. */
  readonly load: number;
  /** Everything that the server says of it. */
  readonly facts: Json;
}

/** How {@link Nodes.drain} goes about it. */
export interface DrainOptions extends CallOptions {
  /** How long the node may take to hand over what it has, ms. Default: the node's own setting. */
  readonly drainMs?: number;
}

/** The masters and media nodes of a cluster. */
export class Nodes {
  readonly #api: Api;

  /** @internal */
  constructor(api: Api) {
    this.#api = api;
  }

  /** Those that are alive. */
  list(options?: CallOptions): Promise<readonly ClusterNode[]> {
    return this.#api.get('/nodes', (body) => content(body, 'The list of nodes').map(nodeOf), options);
  }

  /** One of them; code `NOT_FOUND` when there is none of this id alive. */
  get(id: string, options?: CallOptions): Promise<ClusterNode> {
    return this.#api.get(`/nodes/${encodeURIComponent(id)}`, (body) => nodeOf(object(body, 'The node')), options);
  }

  /**
   * Makes a node hand over what it has, and end. Resolves when it has begun; it is done when the node is not listed any more.
   * Not sent again after an unclear failure (`mayHaveRun`): a node of the same id may have taken its place.
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

import type { Api, CallOptions } from './api.ts';
import { boolean, content, type Json, object, optionalNumber, optionalString, string } from './json.ts';

/** A process that carries media. */
export interface MediaNode {
  /** E.g. `media-1`. */
  readonly id: string;
  /** `launching`, `running`, `waiting-idle-to-terminate`, `terminating`, `terminated`, `canceled` or `failed`. */
  readonly status: string;
  /** Whether the masters hear from it. */
  readonly connected: boolean;
  /** 0 to 100. */
  readonly load: number;
  /** Where the masters reach it. */
  readonly ip: string | null;
  /** Where the masters reach it. */
  readonly uri: string | null;
  /** Unix time, ms. */
  readonly launchingTime: number | null;
  /** Everything that the server says of it. */
  readonly facts: Json;
}

/** How {@link MediaNodes.drain} goes about it. */
export interface MediaNodeDrainOptions extends CallOptions {
  /**
   * `when-no-sessions`, the default: it waits until all have moved or ended. `now`: only for the time that the node was started
   * with. `if-no-sessions`: only if there are none.
   */
  readonly strategy?: 'when-no-sessions' | 'now' | 'if-no-sessions';
}

/** The media nodes of a cluster. */
export class MediaNodes {
  readonly #api: Api;

  /** @internal */
  constructor(api: Api) {
    this.#api = api;
  }

  /** Those that there are. */
  list(options?: CallOptions): Promise<readonly MediaNode[]> {
    return this.#api.get('/media-nodes', (body) => content(body, 'The list of media nodes').map(mediaNodeOf), options);
  }

  /** One of them; code `NOT_FOUND` when there is none of this id. */
  get(id: string, options?: CallOptions): Promise<MediaNode> {
    return this.#api.get(path(id), (body) => mediaNodeOf(object(body, 'The media node')), options);
  }

  /**
   * Ends it, after moving the media of its sessions to other nodes. Resolves when that has begun; it is done when the node is not
   * listed any more. Not sent again after an unclear failure (`mayHaveRun`): a node of the same id may have taken its place.
   * Code `CONFLICT` when it carries sessions and the strategy is `if-no-sessions`.
   */
  drain(id: string, { strategy = 'when-no-sessions', ...options }: MediaNodeDrainOptions = {}): Promise<void> {
    return this.#api.deleteOnce(`${path(id)}?deletion-strategy=${strategy}`, options);
  }
}

function path(id: string): string {
  return `/media-nodes/${encodeURIComponent(id)}`;
}

function mediaNodeOf(json: Json): MediaNode {
  return {
    id: string(json, 'id'),
    status: string(json, 'status'),
    connected: boolean(json, 'connected'),
    load: optionalNumber(json, 'load') ?? 0,
    ip: optionalString(json, 'ip'),
    uri: optionalString(json, 'uri'),
    launchingTime: optionalNumber(json, 'launchingTime'),
    facts: json,
  };
}

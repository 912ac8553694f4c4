import type { Api, CallOptions } from './api.ts';
import { boolean, content, type Json, object, optionalNumber, optionalString, string } from './json.ts';

/** A process that carries media. */
export interface MediaNode {
  /** E.g. `media-1`. */
  readonly id: string;
  /** `launching`, `running`, `waiting-idle-to-terminate`, `terminating`, `terminated`, `canceled` or `failed`. */
  readonly status: string;
  /** Whether the answering master hears it. */
  readonly connected: boolean;
  /** 0 to 100. */
  readonly load: number;
  /** Host at which the masters reach it. */
  readonly ip: string | null;
  /** URL at which the masters reach it. */
  readonly uri: string | null;
  /** Unix time, ms. */
  readonly launchingTime: number | null;
  /** The server's whole answer about it. */
  readonly facts: Json;
}

/** Options of {@link MediaNodes.drain}. */
export interface MediaNodeDrainOptions extends CallOptions {
  /**
   * `when-no-sessions` (default): wait until all sessions have moved or ended. `now`: wait only for the node's --drain-deadline.
   * `if-no-sessions`: end the node only if it carries no sessions.
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

  /** Lists all media nodes. */
  list(options?: CallOptions): Promise<readonly MediaNode[]> {
    return this.#api.get('/media-nodes', (body) => content(body, 'The list of media nodes').map(mediaNodeOf), options);
  }

  /** Gets a media node; code `NOT_FOUND` if there is none of this id. */
  get(id: string, options?: CallOptions): Promise<MediaNode> {
    return this.#api.get(path(id), (body) => mediaNodeOf(object(body, 'The media node')), options);
  }

  /**
   * Ends a media node after moving the media of its sessions to other nodes. Resolves when this has begun; it is complete when the node is
   * no longer listed. After an unclear failure (`mayHaveRun`) the call is not retried, because another node may have the same id by then.
   * Code `CONFLICT` if the node carries sessions and the strategy is `if-no-sessions`.
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

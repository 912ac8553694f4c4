import { Api, type ApiOptions, type CallOptions } from './api.ts';
import { RejoinApiError } from './api-error.ts';
import { MediaNodes } from './media-nodes.ts';
import { Nodes } from './nodes.ts';
import type { SessionProperties } from './properties.ts';
import { Session } from './session.ts';
import { readSession, readSessions, type SessionState } from './session-state.ts';

/** How often to retry if the session exists whenever it is created but is gone whenever it is fetched. */
const ROUNDS = 5;

/**
 * A cluster, through its REST API. Calls survive the crash of the node that serves them: see {@link RetryPolicy}. They reject with a
 * {@link RejoinApiError}.
 */
export class OpenVidu {
  /** The sessions that this object knows: created through it, or found by the last `fetch()`. */
  activeSessions: Session[] = [];
  /** The processes of the cluster. */
  readonly nodes: Nodes;
  /** The media nodes, as in OpenVidu's cluster API. */
  readonly mediaNodes: MediaNodes;
  readonly #api: Api;

  /**
   * @param url     of the balancer or a master, e.g. `https://video.example.org:4443`, including a path under which a proxy serves it:
   *   `https://example.org/video`
   * @param secret  of the cluster
   * @throws {TypeError} when `url` is not an HTTP URL, or has more than scheme, host, port and path
   */
  constructor(url: string, secret: string, options: ApiOptions = {}) {
    this.#api = new Api(url, secret, options);
    this.nodes = new Nodes(this.#api);
    this.mediaNodes = new MediaNodes(this.#api);
  }

  /** Creates a session, or gets the existing one with the same `customSessionId`. */
  async createSession(properties: SessionProperties = {}, options?: CallOptions): Promise<Session> {
    const budget = this.#api.begin(options);
    const { customSessionId } = properties;
    for (let round = 1; ; round += 1) {
      try {
        return this.#keep(await this.#api.post('/sessions', { ...properties }, readSession, budget));
      } catch (error) {
        if (!customSessionId || !hasCode(error, 'CONFLICT')) throw error;
      }
      try {
        const path = `/sessions/${encodeURIComponent(customSessionId)}?pendingConnections=true`;
        return this.#keep(await this.#api.get(path, readSession, budget));
      } catch (error) {
        // The session has ended between the two requests.
        if (!hasCode(error, 'NOT_FOUND') || round === ROUNDS) throw error;
      }
    }
  }

  /**
   * Gets all sessions from the server and updates `activeSessions`. Resolves to whether anything has changed.
   */
  async fetch(options?: CallOptions): Promise<boolean> {
    const listed = await this.#api.get('/sessions?pendingConnections=true', readSessions, options);
    const before = this.activeSessions;
    let changed = before.length !== listed.length;
    this.activeSessions = listed.map((state) => {
      const known = before.find(({ sessionId }) => sessionId === state.sessionId);
      changed = known === undefined || known.update(state) || changed;
      return known ?? this.#session(state);
    });
    return changed;
  }

  #keep(state: SessionState): Session {
    const known = this.activeSessions.find(({ sessionId }) => sessionId === state.sessionId);
    known?.update(state);
    if (known) return known;
    const session = this.#session(state);
    this.activeSessions = [...this.activeSessions, session];
    return session;
  }

  #session(state: SessionState): Session {
    return new Session(this.#api, state, (ended) => {
      this.activeSessions = this.activeSessions.filter((session) => session !== ended);
    });
  }
}

function hasCode(error: unknown, code: RejoinApiError['code']): boolean {
  return error instanceof RejoinApiError && error.code === code;
}

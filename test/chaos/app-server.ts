import { setTimeout as delay } from 'node:timers/promises';
import type { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import type { History } from './history.ts';

const CALL_MS = 8_000;
const AGAIN_MS = 200;
/** A little less than the SDK's time for a token function. */
const PATIENCE_MS = 9_000;
/** Temporary failures. */
const PASSING: readonly number[] = [502, 503, 504];

/** An application's server for its pages: makes the session if necessary, and a token, with repetitions. */
export class AppServer {
  readonly #running: RunningCluster;
  readonly #history: History;
  /** Creations of each session. A session that must survive everything is created once. */
  readonly created = new Map<string, number>();
  /** Unexpected answers, by request and status. */
  readonly surprises: Record<string, number> = {};

  constructor(running: RunningCluster, history: History) {
    this.#running = running;
    this.#history = history;
  }

  /** @throws {Error} if no token is available in time */
  async token(room: string): Promise<string> {
    const until = performance.now() + PATIENCE_MS;
    let last = 'nothing';
    while (performance.now() < until) {
      const created = await this.create(room);
      if (created) {
        const answer = await this.#post(`/sessions/${room}/connection`, {});
        if (answer?.status === 200) return String(answer.json['token']);
        last = String(answer?.status ?? 'no answer');
        // A rebuilt session may crash between the two calls.
        if (answer && !(answer.status === 404 && this.#history.rooms.get(room) === 'rebuild')) {
          this.#surprise(`POST connection (${this.#history.rooms.get(room)})`, answer.status);
        }
      }
      await delay(AGAIN_MS);
    }
    throw new Error(`No token for ${room} in ${PATIENCE_MS} ms; the last answer was ${last}.`);
  }

  /** Whether the session exists now. */
  async create(room: string): Promise<boolean> {
    const failover = this.#history.rooms.get(room);
    const answer = await this.#post('/sessions', { customSessionId: room, failover });
    if (answer?.status === 200) this.created.set(room, (this.created.get(room) ?? 0) + 1);
    else if (answer && answer.status !== 409) this.#surprise('POST session', answer.status);
    return answer?.status === 200 || answer?.status === 409;
  }

  /** The ids of a session's members, or `undefined` if the servers do not answer now. */
  async members(room: string): Promise<string[] | undefined> {
    const answer = await this.#call('GET', `/sessions/${room}/connection?pendingConnections=false`);
    if (answer?.status !== 200) return undefined;
    return (answer.json['content'] as { connectionId: string }[]).map(({ connectionId }) => connectionId);
  }

  #post(path: string, body: unknown): Promise<{ status: number; json: Record<string, unknown> } | undefined> {
    return this.#call('POST', path, body);
  }

  async #call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; json: Record<string, unknown> } | undefined> {
    const { url, cluster } = this.#running;
    try {
      const answer = await fetch(`${url}/openvidu/api${path}`, {
        method,
        headers: {
          authorization: `Basic ${Buffer.from(`OPENVIDUAPP:${cluster.secret}`).toString('base64')}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(CALL_MS),
      });
      const text = await answer.text();
      return { status: answer.status, json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} };
    } catch {
      // The balancer is dead, frozen or cut off.
      return undefined;
    }
  }

  #surprise(request: string, status: number): void {
    if (PASSING.includes(status)) return;
    const key = `${request}: ${status}`;
    this.surprises[key] = (this.surprises[key] ?? 0) + 1;
  }
}

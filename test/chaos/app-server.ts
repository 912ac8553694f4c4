import { setTimeout as delay } from 'node:timers/promises';
import type { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import type { History } from './history.ts';

const CALL_MS = 8_000;
const AGAIN_MS = 200;
/** A little less than the SDK waits for a token function. */
const PATIENCE_MS = 9_000;
/** Not at this moment. */
const PASSING: readonly number[] = [502, 503, 504];

/** What an application's server does for its pages, as long as it takes: makes the session if need be, and a token. */
export class AppServer {
  readonly #running: RunningCluster;
  readonly #history: History;
  /** How often each session was created. One that is to outlive everything is created once. */
  readonly created = new Map<string, number>();
  /** Answers other than those that are to be expected, by request and status. */
  readonly surprises: Record<string, number> = {};

  constructor(running: RunningCluster, history: History) {
    this.#running = running;
    this.#history = history;
  }

  /** @throws {Error} when there is no token to be had for long */
  async token(room: string): Promise<string> {
    const until = performance.now() + PATIENCE_MS;
    let last = 'nothing';
    while (performance.now() < until) {
      const created = await this.create(room);
      if (created) {
        const answer = await this.#post(`/sessions/${room}/connection`, {});
        if (answer?.status === 200) return String(answer.json['token']);
        last = String(answer?.status ?? 'no answer');
        // A session that is rebuilt can have crashed between the two calls.
        if (answer && !(answer.status === 404 && this.#history.rooms.get(room) === 'rebuild')) {
          this.#surprise(`POST connection (${this.#history.rooms.get(room)})`, answer.status);
        }
      }
      await delay(AGAIN_MS);
    }
    throw new Error(`No token for ${room} in ${PATIENCE_MS} ms; the last answer was ${last}.`);
  }

  /** Whether the session is there now. */
  async create(room: string): Promise<boolean> {
    const failover = this.#history.rooms.get(room);
    const answer = await this.#post('/sessions', { customSessionId: room, failover });
    if (answer?.status === 200) this.created.set(room, (this.created.get(room) ?? 0) + 1);
    else if (answer && answer.status !== 409) this.#surprise('POST session', answer.status);
    return answer?.status === 200 || answer?.status === 409;
  }

  /** The ids of those who are in a session, or `undefined` when it cannot be said at this moment. */
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

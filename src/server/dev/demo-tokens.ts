import { Agent, type Dispatcher, request } from 'undici';
import type { SessionId } from '../../protocol/ids.ts';
import type { Role } from '../../protocol/model.ts';
import { DemoError } from './demo-error.ts';

export interface TokenRequest {
  readonly room: SessionId;
  /** Becomes the server's part of the connection's data. */
  readonly name?: string;
  /** Default: PUBLISHER. */
  readonly role?: Role;
}

const CALL_MS = 5_000;
/** The session may end between the two requests, e.g. when its owner crashes. */
const ATTEMPTS = 3;
const EXISTS = 409;
const UNKNOWN = 404;
/** Statuses that mean "not at this moment". */
const PASSING = [502, 503, 504];

/** Gets tokens like any application server: through the balancer, over the public REST API. */
export class DemoTokens {
  readonly #api: string;
  readonly #authorization: string;
  readonly #agent = new Agent({ keepAliveTimeout: 1_000 });

  constructor(balancerUrl: string, secret: string) {
    this.#api = `${balancerUrl}/openvidu/api`;
    this.#authorization = `Basic ${Buffer.from(`OPENVIDUAPP:${secret}`).toString('base64')}`;
  }

  /** @throws {DemoError} ClusterUnavailable (try again), ClusterRefused (a fault) */
  async create({ room, name, role }: TokenRequest): Promise<string> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      await this.#post('/sessions', { customSessionId: room }, [EXISTS]);
      const data = name === undefined ? {} : { data: name };
      const body = { ...data, ...(role === undefined ? {} : { role }) };
      const answer = await this.#post(`/sessions/${room}/connection`, body, [UNKNOWN]);
      if (answer.status !== UNKNOWN) return (JSON.parse(answer.text) as { token: string }).token;
    }
    throw new DemoError('ClusterUnavailable', `The session ${room} ended each time before it could be joined.`);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #post(path: string, body: unknown, accepted: readonly number[]): Promise<{ status: number; text: string }> {
    let answer: Dispatcher.ResponseData;
    let text: string;
    try {
      answer = await request(this.#api + path, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { authorization: this.#authorization, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(CALL_MS),
      });
      text = await answer.body.text();
    } catch (error) {
      throw new DemoError('ClusterUnavailable', 'The balancer did not answer.', error);
    }
    const status = answer.statusCode;
    if (status === 200 || accepted.includes(status)) return { status, text };
    if (PASSING.includes(status)) {
      throw new DemoError('ClusterUnavailable', `The cluster answered ${status} to POST ${path}.`);
    }
    throw new DemoError('ClusterRefused', `The cluster answered ${status} to POST ${path}: ${text.slice(0, 200)}`);
  }
}

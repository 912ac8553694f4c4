import { Agent, request } from 'undici';
import { ProtocolError, type WireError } from '../../protocol/errors.ts';
import type { InstanceId } from './identity.ts';

/** Why a call to another process came to nothing. `refused` is proof that the process is gone, `timeout` is not. */
export type PeerFailure = 'refused' | 'timeout' | 'broken' | 'wrongInstance' | 'failed';

/** A call to another process of the cluster failed for a reason that is not the caller's. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly failure: PeerFailure;

  constructor(failure: PeerFailure, url: string, cause?: unknown) {
    super(`Call to ${url} failed: ${failure}`, { cause });
    this.failure = failure;
  }
}

/** Header with the instance a call is meant for: a process restarted on the same port must not take it for its own. */
export const INSTANCE_HEADER = 'x-rejoin-instance';
/** Header with the caller, so that whoever looks at the traffic between processes can tell its ends apart. */
export const CALLER_HEADER = 'x-rejoin-from';

const REFUSED = new Set(['ECONNREFUSED', 'ENOTFOUND']);
const TIMEOUT = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_ABORTED',
]);

function failureOf(error: unknown): PeerFailure {
  const { name, code } = error as { name?: string; code?: string };
  if (name === 'TimeoutError' || name === 'AbortError') return 'timeout';
  if (code !== undefined && REFUSED.has(code)) return 'refused';
  if (code !== undefined && TIMEOUT.has(code)) return 'timeout';
  return 'broken';
}

/** HTTP between the processes of a cluster: JSON bodies, kept-alive connections, a time-out on everything. */
export class InternalClient {
  readonly #agent = new Agent({ connections: 64, pipelining: 1, keepAliveTimeout: 10_000, bodyTimeout: 0 });
  readonly #always: Readonly<Record<string, string>>;

  constructor(key: string, caller: InstanceId) {
    this.#always = { authorization: `Bearer ${key}`, [CALLER_HEADER]: caller };
  }

  /**
   * POSTs `body` to `url` of the process `target`.
   * @throws {ProtocolError} the other side's answer, when it is one of the protocol's errors
   * @throws {PeerError} when there is no answer
   */
  async call<T>(url: string, target: InstanceId | undefined, body: unknown, timeoutMs: number): Promise<T> {
    return this.callJson(url, target, JSON.stringify(body), timeoutMs);
  }

  /** Like `call`, with a body that is JSON already. */
  async callJson<T>(url: string, target: InstanceId | undefined, json: string, timeoutMs: number): Promise<T> {
    const answer = await this.#send('POST', url, target, json, timeoutMs);
    let parsed: unknown;
    try {
      parsed = JSON.parse(answer.text);
    } catch (error) {
      throw new PeerError('failed', url, error);
    }
    if (answer.status === 200) return parsed as T;
    if (answer.status === 421) throw new PeerError('wrongInstance', url);
    const { error } = parsed as { error?: WireError };
    if (typeof error === 'object' && error !== null) throw ProtocolError.fromWire(error);
    throw new PeerError('failed', url, new Error(`status ${answer.status}: ${answer.text.slice(0, 200)}`));
  }

  /** Which instance answers at `base`. */
  async ping(base: string, timeoutMs: number): Promise<InstanceId> {
    const { text } = await this.#send('GET', `${base}/internal/ping`, undefined, undefined, timeoutMs);
    return (JSON.parse(text) as { instance: InstanceId }).instance;
  }

  /** The endless body of a liveness stream. */
  async stream(url: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const { statusCode, body } = await request(url, {
      dispatcher: this.#agent,
      headers: this.#always,
      signal,
      bodyTimeout: 0,
    });
    if (statusCode !== 200) throw new PeerError('failed', url, new Error(`status ${statusCode}`));
    return body;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(
    method: 'GET' | 'POST',
    url: string,
    target: InstanceId | undefined,
    json: string | undefined,
    timeoutMs: number,
  ): Promise<{ status: number; text: string }> {
    // What is computed from clocks has fractions, which a time-out must not have.
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)));
    try {
      const answer = await request(url, {
        method,
        dispatcher: this.#agent,
        headers: {
          ...this.#always,
          ...(target ? { [INSTANCE_HEADER]: target } : {}),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: json ?? null,
        signal,
      });
      return { status: answer.statusCode, text: await answer.body.text() };
    } catch (error) {
      throw new PeerError(failureOf(error), url, error);
    }
  }
}

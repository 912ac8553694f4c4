import { type Dispatcher, Pool } from 'undici';
import { ProtocolError, type WireError } from '../../protocol/errors.ts';
import { CallSigner, SIGNATURE_HEADER } from './call-signature.ts';
import { untilAborted } from './deadline.ts';
import type { ClusterId, InstanceId } from './identity.ts';
import type { Secrets } from './secrets.ts';

/**
 * Why a call to another process came to nothing. `refused` is proof that the process is gone, `timeout` is not. `unauthorized`: the
 * other side does not accept the signature. `otherCluster`: the other side uses another store.
 */
export type PeerFailure =
  | 'refused'
  | 'timeout'
  | 'broken'
  | 'wrongInstance'
  | 'unauthorized'
  | 'otherCluster'
  | 'failed';

/** A call to another process of the cluster failed for a reason that is not the caller's. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly failure: PeerFailure;
  /** What the other side says about it, when it refuses the call. */
  readonly said: string | undefined;

  constructor(failure: PeerFailure, url: string, cause?: unknown, said?: string) {
    super(`Call to ${url} failed: ${failure}`, { cause });
    this.failure = failure;
    this.said = said;
  }
}

/** Header with the instance a call is meant for: a process restarted on the same port must not take it for its own. */
export const INSTANCE_HEADER = 'x-rejoin-instance';
/** Header with the caller. The signature covers it. */
export const CALLER_HEADER = 'x-rejoin-from';
/** Header with the caller's cluster: a process of another store must not take part in this one. */
export const CLUSTER_HEADER = 'x-rejoin-cluster';

const REFUSED = new Set(['ECONNREFUSED', 'ENOTFOUND']);
const TIMEOUT = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_ABORTED',
]);

/** How long one connection may take to be made: a lost SYN is sent again after 1 s and after 3 s. */
const CONNECT_MS = 3_500;
const KEEP_ALIVE_MS = 10_000;
/** Calls to one process at a time; more wait for a connection. */
const CONNECTIONS = 64;
/**
 * Pause before another attempt of a ping beside those under way. A lost packet costs a connection that is there 200 ms and more, a
 * new one a second: on a lossy link the attempts together are answered where each alone would hardly be.
 */
const PING_AGAIN_MS = 350;

function failureOf(error: unknown): PeerFailure {
  const { name, code } = error as { name?: string; code?: string };
  if (name === 'TimeoutError' || name === 'AbortError') return 'timeout';
  if (code !== undefined && REFUSED.has(code)) return 'refused';
  if (code !== undefined && TIMEOUT.has(code)) return 'timeout';
  return 'broken';
}

/** Statuses with which another process refuses to deal with the caller. */
const REFUSALS: Readonly<Record<number, PeerFailure>> = { 401: 'unauthorized', 403: 'otherCluster' };

/** What a process says of itself. */
export interface PeerIdentity {
  readonly instance: InstanceId;
  /** A process of an older version does not say it. */
  readonly cluster?: ClusterId;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Connections to one process. */
interface Peer {
  readonly calls: Pool;
  /** For pings and liveness streams, which must not wait behind calls that a vanished host does not answer. */
  readonly probes: Pool;
}

/** HTTP between the processes of a cluster: JSON bodies, signed, over kept-alive connections, with a deadline on everything. */
export class InternalClient {
  readonly #caller: InstanceId;
  readonly #signer: CallSigner;
  /** By origin. */
  readonly #peers = new Map<string, Peer>();
  #cluster: ClusterId | undefined;
  #closed = false;

  /** `cluster`: the caller's, if it uses a store. */
  constructor(secrets: Secrets, caller: InstanceId, cluster?: ClusterId) {
    this.#signer = new CallSigner(secrets);
    this.#caller = caller;
    this.#cluster = cluster;
  }

  /** Whether a process of `cluster` belongs with this one. A process without a store joins the first cluster that it meets. */
  belongsTo(cluster: ClusterId | undefined): boolean {
    if (cluster === undefined) return true;
    this.#cluster ??= cluster;
    return this.#cluster === cluster;
  }

  /** For a process without a store: the next cluster that it meets is its own. */
  leaveCluster(): void {
    this.#cluster = undefined;
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
    const at = new URL(url);
    const answer = await this.#send(this.#peer(at.origin).calls, at, { method: 'POST', target, json }, timeoutMs);
    let parsed: unknown;
    try {
      parsed = JSON.parse(answer.text);
    } catch (error) {
      throw new PeerError('failed', url, error);
    }
    if (answer.status === 200) return parsed as T;
    if (answer.status === 421) throw new PeerError('wrongInstance', url);
    throwRefusal(answer, url);
    const { error } = parsed as { error?: WireError };
    if (typeof error === 'object' && error !== null) throw ProtocolError.fromWire(error);
    throw new PeerError('failed', url, new Error(`status ${answer.status}: ${answer.text.slice(0, 200)}`));
  }

  /** Which instance answers at `base`. @throws {PeerError} */
  async ping(base: string, timeoutMs: number): Promise<InstanceId> {
    return (await this.identify(base, timeoutMs)).instance;
  }

  /**
   * Which process answers at `base`. Several attempts run beside each other, and the first answer counts.
   * @throws {PeerError}
   */
  async identify(base: string, timeoutMs: number): Promise<PeerIdentity> {
    const until = performance.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      let underWay = 0;
      let again: NodeJS.Timeout | undefined;
      const attempt = (): void => {
        underWay += 1;
        const leftMs = until - performance.now();
        if (leftMs > PING_AGAIN_MS) again = setTimeout(attempt, PING_AGAIN_MS);
        this.#pingOnce(base, leftMs).then(
          (identity) => {
            clearTimeout(again);
            resolve(identity);
          },
          (error: PeerError) => {
            underWay -= 1;
            // A refusal or a reset says all there is to say; of those that are not answered the last one does.
            if (underWay > 0 && error.failure === 'timeout') return;
            clearTimeout(again);
            reject(error);
          },
        );
      };
      attempt();
    });
  }

  /** The endless body of a liveness stream. */
  async stream(url: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const at = new URL(url);
    const asked = this.#peer(at.origin).probes.request({
      ...this.#request(at, { method: 'GET', target: undefined, json: undefined }),
      signal,
      bodyTimeout: 0,
    });
    const { statusCode, body } = await untilAborted(signal, asked, (late) => late.body.destroy());
    if (statusCode === 200) return body;
    const text = await untilAborted(signal, body.text());
    throwRefusal({ status: statusCode, text }, url);
    throw new PeerError('failed', url, new Error(`status ${statusCode}`));
  }

  /** The process at this URL is gone: calls that wait for it fail now, and its connections are not used again. */
  drop(url: string): void {
    const { origin } = new URL(url);
    const peer = this.#peers.get(origin);
    this.#peers.delete(origin);
    if (peer) void endPeer(peer);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const peers = [...this.#peers.values()];
    this.#peers.clear();
    await Promise.all(peers.map(endPeer));
  }

  async #pingOnce(base: string, timeoutMs: number): Promise<PeerIdentity> {
    const url = new URL(`${base}/internal/ping`);
    const asked = { method: 'GET', target: undefined, json: undefined } as const;
    const { status, text } = await this.#send(this.#peer(url.origin).probes, url, asked, timeoutMs);
    throwRefusal({ status, text }, url.href);
    try {
      return JSON.parse(text) as PeerIdentity;
    } catch (error) {
      throw new PeerError('failed', url.href, error);
    }
  }

  async #send(
    pool: Pool,
    url: URL,
    call: {
      readonly method: 'GET' | 'POST';
      readonly target: InstanceId | undefined;
      readonly json: string | undefined;
    },
    timeoutMs: number,
  ): Promise<Answer> {
    // Time-outs that are computed from clocks have fractions, which this one must not have.
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)));
    const ask = async (): Promise<Answer> => {
      const answer = await pool.request({ ...this.#request(url, call), signal });
      return { status: answer.statusCode, text: await answer.body.text() };
    };
    try {
      return await untilAborted(signal, ask());
    } catch (error) {
      throw new PeerError(failureOf(error), url.href, error);
    }
  }

  #request(
    url: URL,
    { method, target, json }: { method: 'GET' | 'POST'; target: InstanceId | undefined; json: string | undefined },
  ): Dispatcher.RequestOptions {
    const path = url.pathname + url.search;
    const call = { method, path, caller: this.#caller, target: target ?? '' };
    return {
      method,
      path,
      headers: {
        [CALLER_HEADER]: this.#caller,
        [SIGNATURE_HEADER]: this.#signer.sign(call, json ?? ''),
        ...(this.#cluster ? { [CLUSTER_HEADER]: this.#cluster } : {}),
        ...(target ? { [INSTANCE_HEADER]: target } : {}),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: json ?? null,
    };
  }

  #peer(origin: string): Peer {
    if (this.#closed) throw new PeerError('broken', origin, new Error('This process is about to end.'));
    const known = this.#peers.get(origin);
    if (known) return known;
    const common = {
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      bodyTimeout: 0,
      connect: { timeout: CONNECT_MS },
    };
    const peer = { calls: new Pool(origin, { ...common, connections: CONNECTIONS }), probes: new Pool(origin, common) };
    this.#peers.set(origin, peer);
    return peer;
  }
}

/** @throws {PeerError} when the other side refuses to deal with this process */
function throwRefusal({ status, text }: Answer, url: string): void {
  const failure = REFUSALS[status];
  if (failure === undefined) return;
  let said: unknown;
  try {
    said = (JSON.parse(text) as { message?: unknown }).message;
  } catch {
    // Not one of our processes.
  }
  throw new PeerError(failure, url, undefined, typeof said === 'string' ? said.slice(0, 300) : undefined);
}

async function endPeer({ calls, probes }: Peer): Promise<void> {
  await Promise.all([calls.destroy(), probes.destroy()]);
}

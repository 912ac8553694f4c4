import { type Dispatcher, Pool } from 'undici';
import { ProtocolError, type WireError } from '../../protocol/errors.ts';
import { CallSigner, SIGNATURE_HEADER } from './call-signature.ts';
import { untilAborted } from './deadline.ts';
import type { ClusterId, InstanceId } from './identity.ts';
import type { Secrets } from './secrets.ts';

/**
 * Why a call to another process failed. `refused` proves that the process is gone; `timeout` does not. `unauthorized`: the other side
 * rejects the signature. `otherCluster`: the other side uses another store.
 */
export type PeerFailure =
  | 'refused'
  | 'timeout'
  | 'broken'
  | 'wrongInstance'
  | 'unauthorized'
  | 'otherCluster'
  | 'failed';

/** A call to another process of the cluster failed without the caller's fault. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly failure: PeerFailure;
  /** The other side's explanation, if it refused the call. */
  readonly said: string | undefined;

  constructor(failure: PeerFailure, url: string, cause?: unknown, said?: string) {
    super(`Call to ${url} failed: ${failure}`, { cause });
    this.failure = failure;
    this.said = said;
  }
}

/** Header with the intended instance, so that a process restarted on the same port doesn't take the call for its own. */
export const INSTANCE_HEADER = 'x-rejoin-instance';
/** Header with the calling instance. The signature covers it. */
export const CALLER_HEADER = 'x-rejoin-from';
/** Header with the caller's cluster, so that a process of another store is kept out. */
export const CLUSTER_HEADER = 'x-rejoin-cluster';

const REFUSED = new Set(['ECONNREFUSED', 'ENOTFOUND']);
const TIMEOUT = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_ABORTED',
]);

/** How long a connection may take to open. A lost SYN is sent again after 1 s and after 3 s. */
const CONNECT_MS = 3_500;
const KEEP_ALIVE_MS = 10_000;
/** Most simultaneous calls to one process; further ones wait for a connection. */
const CONNECTIONS = 64;
/**
 * Delay before a ping starts another attempt beside those in progress. A lost packet delays an open connection by at least 200 ms and
 * a new one by a second. On a lossy link, parallel attempts get an answer in time where a single one rarely would.
 */
const PING_AGAIN_MS = 350;

function failureOf(error: unknown): PeerFailure {
  const { name, code } = error as { name?: string; code?: string };
  if (name === 'TimeoutError' || name === 'AbortError') return 'timeout';
  if (code !== undefined && REFUSED.has(code)) return 'refused';
  if (code !== undefined && TIMEOUT.has(code)) return 'timeout';
  return 'broken';
}

/** Statuses with which another process rejects the caller. */
const REFUSALS: Readonly<Record<number, PeerFailure>> = { 401: 'unauthorized', 403: 'otherCluster' };

/** How a process identifies itself. */
export interface PeerIdentity {
  readonly instance: InstanceId;
  /** Missing from processes of older versions. */
  readonly cluster?: ClusterId;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The connections to one process. */
interface Peer {
  readonly calls: Pool;
  /** For pings and liveness streams, which must not wait behind calls that a vanished host doesn't answer. */
  readonly probes: Pool;
}

/** HTTP between the processes of a cluster: signed JSON over kept-alive connections, with a deadline on every call. */
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

  /** Whether `cluster` is this process's. A process without a store joins the first cluster that it meets. */
  belongsTo(cluster: ClusterId | undefined): boolean {
    if (cluster === undefined) return true;
    this.#cluster ??= cluster;
    return this.#cluster === cluster;
  }

  /** Lets a process without a store join another cluster. */
  leaveCluster(): void {
    this.#cluster = undefined;
  }

  /**
   * POSTs `body` to `url` of the process `target`.
   * @throws {ProtocolError} the other side's error
   * @throws {PeerError} when there is no answer
   */
  async call<T>(url: string, target: InstanceId | undefined, body: unknown, timeoutMs: number): Promise<T> {
    return this.callJson(url, target, JSON.stringify(body), timeoutMs);
  }

  /** Like `call`, with a body that is already JSON. */
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

  /** The instance that answers at `base`. @throws {PeerError} */
  async ping(base: string, timeoutMs: number): Promise<InstanceId> {
    return (await this.identify(base, timeoutMs)).instance;
  }

  /**
   * Identifies the process at `base`. Several attempts may run in parallel; the first answer counts.
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
            // A refusal or a reset is final. A timeout counts only if it is the last attempt's.
            if (underWay > 0 && error.failure === 'timeout') return;
            clearTimeout(again);
            reject(error);
          },
        );
      };
      attempt();
    });
  }

  /** Opens the endless body of a liveness stream. */
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

  /** Call this when the process at `url` is gone: pending calls fail now, and its connections are not reused. */
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
    // Computed timeouts may have fractions, which AbortSignal.timeout rejects.
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
    if (this.#closed) throw new PeerError('broken', origin, new Error('This process is ending.'));
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

/** @throws {PeerError} when the other side rejects this process */
function throwRefusal({ status, text }: Answer, url: string): void {
  const failure = REFUSALS[status];
  if (failure === undefined) return;
  let said: unknown;
  try {
    said = (JSON.parse(text) as { message?: unknown }).message;
  } catch {
    // The answer comes from another program.
  }
  throw new PeerError(failure, url, undefined, typeof said === 'string' ? said.slice(0, 300) : undefined);
}

async function endPeer({ calls, probes }: Peer): Promise<void> {
  await Promise.all([calls.destroy(), probes.destroy()]);
}

import { RejoinApiError, type RejoinApiErrorParts } from './api-error.ts';
import { type Attempt, attempt } from './attempt.ts';
import { type About, aborted, bodyOf, failed, isForeign } from './call-error.ts';
import { type Clock, REAL_CLOCK } from './clock.ts';
import { type Json, ShapeError } from './json.ts';
import {
  DEFAULT_RETRY,
  delayAfter,
  mayHaveRun,
  mayRepeat,
  type RetryEvent,
  type RetryPolicy,
  retryAfterMs,
} from './retry.ts';

/** Options of a single call. Every method takes them as its last argument. */
export interface CallOptions {
  /** Ends the call with an error of code `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Time limit for the call with all its attempts, ms. Default: the policy's. */
  readonly deadlineMs?: number | undefined;
  /** Called before each retry, in addition to the client's own `onRetry`. */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined;
  /**
   * For calls that create or send: 1 to 128 visible ASCII characters. Repeating a call with the same key creates nothing twice, e.g. after
   * a restart of the caller. Default: a random one for each call.
   */
  readonly idempotencyKey?: string | undefined;
}

/** Options of a client. */
export interface ApiOptions {
  /** Overrides defaults of the retries. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Called after every failed attempt that is followed by another. */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined;
  /** Sends the requests. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Default: the system's clocks. */
  readonly clock?: Clock | undefined;
  /** Returns 0 to 1. Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
}

interface Call<T> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the prefix of the API, e.g. `/sessions/one`. */
  readonly path: string;
  readonly body?: Json;
  /**
   * `harmless`: sending it twice has the same effect as once. `withKey`: the same, thanks to an idempotency key. `never`: it is sent again
   * only if no server received it.
   */
  readonly repeat: 'harmless' | 'withKey' | 'never';
  /** Statuses that, after an attempt with an unclear result, mean that this attempt succeeded. */
  readonly doneAlready?: readonly number[];
  /** Parses the body of a success. Throws {@link ShapeError} if it is malformed. */
  readonly read: (body: unknown) => T;
}

/** The time limit of a call, shared by all its requests. */
export interface Budget extends CallOptions {
  readonly endsAt: number;
}

const API_PATH = '/openvidu/api';
const KEY = /^[!-~]{1,128}$/;

/** The REST API of a cluster, with retries that survive failures of single nodes. */
export class Api {
  readonly #base: string;
  readonly #authorization: string;
  readonly #policy: RetryPolicy;
  readonly #onRetry: ApiOptions['onRetry'];
  readonly #fetch: typeof globalThis.fetch;
  readonly #clock: Clock;
  readonly #random: () => number;

  /** @throws {TypeError} when `url` is not an HTTP URL, or has more than scheme, host, port and path */
  constructor(url: string, secret: string, options: ApiOptions) {
    this.#base = readBase(url);
    this.#authorization = `Basic ${Buffer.from(`OPENVIDUAPP:${secret}`).toString('base64')}`;
    this.#policy = { ...DEFAULT_RETRY, ...options.retry };
    this.#onRetry = options.onRetry;
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#clock = options.clock ?? REAL_CLOCK;
    this.#random = options.random ?? Math.random;
  }

  /** Starts the time limit of a call that needs several requests. */
  begin(options: CallOptions = {}): Budget {
    return { ...options, endsAt: this.#clock.now() + (options.deadlineMs ?? this.#policy.deadlineMs) };
  }

  get<T>(path: string, read: (body: unknown) => T, options?: CallOptions | Budget): Promise<T> {
    return this.#call({ method: 'GET', path, repeat: 'harmless', read }, options);
  }

  /** A POST with an idempotency key, which makes retries harmless. */
  post<T>(path: string, body: Json, read: (body: unknown) => T, options?: CallOptions | Budget): Promise<T> {
    return this.#call({ method: 'POST', path, body, repeat: 'withKey', read }, options);
  }

  /** A POST whose repetition would have another effect. It is sent again only if no server received it. */
  postOnce<T>(path: string, body: Json, read: (body: unknown) => T, options?: CallOptions | Budget): Promise<T> {
    return this.#call({ method: 'POST', path, body, repeat: 'never', read }, options);
  }

  patch<T>(path: string, body: Json, read: (body: unknown) => T, options?: CallOptions | Budget): Promise<T> {
    return this.#call({ method: 'PATCH', path, body, repeat: 'harmless', read }, options);
  }

  /** @param gone statuses that mean that there is nothing to delete */
  delete(path: string, gone: readonly number[], options?: CallOptions | Budget): Promise<void> {
    return this.#call(
      { method: 'DELETE', path, repeat: 'harmless', doneAlready: gone, read: () => undefined },
      options,
    );
  }

  /** A DELETE of an object whose name another may take over. It is sent again only if no server received it. */
  deleteOnce(path: string, options?: CallOptions | Budget): Promise<void> {
    return this.#call({ method: 'DELETE', path, repeat: 'never', read: () => undefined }, options);
  }

  async #call<T>(call: Call<T>, options: CallOptions | Budget = {}): Promise<T> {
    const { method, repeat } = call;
    const path = `${API_PATH}${call.path}`;
    const budget = 'endsAt' in options ? options : this.begin(options);
    const key = repeat === 'withKey' ? (budget.idempotencyKey ?? crypto.randomUUID()) : undefined;
    const about = { method, path: path.split('?', 1)[0] ?? path, idempotencyKey: key };
    if (key !== undefined && !KEY.test(key)) {
      throw new RejoinApiError({
        ...about,
        code: 'BAD_REQUEST',
        message: 'The idempotency key is not valid. Use 1 to 128 visible ASCII characters.',
      });
    }
    const request = { url: `${this.#base}${path}`, method, ...this.#content(call.body, key) };
    let unclear = false;
    for (let attempts = 1; ; attempts += 1) {
      if (budget.signal?.aborted) throw aborted(about, budget.signal, attempts - 1, unclear);
      const left = budget.endsAt - this.#clock.now();
      const limitMs = Math.max(1, Math.min(this.#policy.attemptMs, left));
      const last = await attempt(request, limitMs, { fetch: this.#fetch, clock: this.#clock }, budget.signal);
      if (last.kind === 'answered') {
        const body = bodyOf(last);
        if (last.status >= 200 && last.status < 300)
          return this.#read(call, body, { ...about, status: last.status, attempts });
        if (unclear && call.doneAlready?.includes(last.status) && !isForeign(last)) return call.read(body);
      }
      if (budget.signal?.aborted) throw aborted(about, budget.signal, attempts, true);
      unclear ||= mayHaveRun(last);
      const delayMs = this.#delay(last, attempts, repeat !== 'never');
      if (delayMs === undefined || this.#clock.now() + delayMs >= budget.endsAt) {
        throw failed(last, { ...about, attempts, mayHaveRun: unclear }, this.#base);
      }
      const event = retryEvent(about, attempts, last, delayMs);
      this.#onRetry?.(event);
      budget.onRetry?.(event);
      await this.#clock.wait(delayMs, budget.signal);
    }
  }

  #content(
    body: Json | undefined,
    key: string | undefined,
  ): { headers: Record<string, string>; body: string | undefined } {
    return {
      headers: {
        accept: 'application/json',
        authorization: this.#authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    };
  }

  /** Delay before the next attempt, ms; undefined if there should be none. */
  #delay(last: Attempt, failed: number, repeatable: boolean): number | undefined {
    if (!mayRepeat(last, repeatable)) return undefined;
    const asked = last.kind === 'answered' ? retryAfterMs(last.retryAfter, this.#clock.date()) : 0;
    return delayAfter(failed, this.#policy, this.#random, asked);
  }

  #read<T>(call: Call<T>, body: unknown, about: Omit<RejoinApiErrorParts, 'code' | 'message'>): T {
    try {
      return call.read(body);
    } catch (cause) {
      if (!(cause instanceof ShapeError)) throw cause;
      throw new RejoinApiError({
        ...about,
        code: 'UNEXPECTED_ANSWER',
        message: `The answer does not have the format of this API: ${cause.message}`,
        mayHaveRun: true,
        cause,
      });
    }
  }
}

/** Removes trailing slashes. The path is kept, because the secret must not reach other services of the host. */
function readBase(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new TypeError(`"${text}" is not the URL of a cluster. Give one like https://video.example.org:4443.`);
  }
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  if (url.search === '' && url.hash === '' && url.username === '' && url.password === '') return base;
  throw new TypeError(`The URL of the cluster has more than a scheme, host, port and path. Give ${base}.`);
}

function retryEvent({ method, path }: About, attempts: number, last: Attempt, delayMs: number): RetryEvent {
  const how = last.kind === 'answered' ? { status: last.status } : { reason: last.reason };
  return { method, path, attempt: attempts, ...how, delayMs };
}

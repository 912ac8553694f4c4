import type { Clock } from './clock.ts';

/** The result of a single HTTP request. */
export type Attempt = Answered | Failed;

export interface Answered {
  readonly kind: 'answered';
  readonly status: number;
  /** The header `Retry-After`, unparsed. */
  readonly retryAfter: string | undefined;
  /** The header `Location` of a redirect. */
  readonly location: string | undefined;
  /** The whole body. */
  readonly text: string;
}

/**
 * `refused`: no connection was made, so nothing was carried out. `lost`, `timeout`: no complete answer, but the server may have carried it
 * out. `impossible`: a retry cannot help, e.g. with an unknown host or a wrong certificate.
 */
export type FailureReason = 'refused' | 'lost' | 'timeout' | 'impossible';

export interface Failed {
  readonly kind: 'failed';
  readonly reason: FailureReason;
  readonly cause: unknown;
}

export interface AttemptRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** The environment of an attempt. */
export interface AttemptMeans {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
}

const REFUSED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);
const LOST = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** Sends a request once and reads the whole answer. Never rejects; if `signal` aborts, the result is `impossible`. */
export async function attempt(
  { url, method, headers, body }: AttemptRequest,
  limitMs: number,
  { fetch, clock }: AttemptMeans,
  signal: AbortSignal | undefined,
): Promise<Attempt> {
  const stop = new AbortController();
  const over = new AbortController();
  const abort = (): void => stop.abort(signal?.reason);
  signal?.addEventListener('abort', abort);
  let late = false;
  void clock.wait(limitMs, over.signal).then(() => {
    if (over.signal.aborted) return;
    late = true;
    stop.abort(new Error(`No answer within ${Math.round(limitMs)} ms.`));
  });
  try {
    // Don't follow redirects: fetch would omit the credentials and turn a POST into a GET.
    const init = { method, headers, signal: stop.signal, redirect: 'manual' } as const;
    const answer = await fetch(url, body === undefined ? init : { ...init, body });
    return {
      kind: 'answered',
      status: answer.status,
      retryAfter: answer.headers.get('retry-after') ?? undefined,
      location: answer.headers.get('location') ?? undefined,
      text: await answer.text(),
    };
  } catch (cause) {
    return { kind: 'failed', reason: late ? 'timeout' : reasonOf(cause), cause };
  } finally {
    over.abort();
    signal?.removeEventListener('abort', abort);
  }
}

/** `fetch` wraps the original error, sometimes more than once. */
function reasonOf(error: unknown): FailureReason {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : '';
    if (REFUSED.has(code)) return 'refused';
    if (LOST.has(code)) return 'lost';
  }
  return 'impossible';
}

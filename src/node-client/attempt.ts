import type { Clock } from './clock.ts';

/** How one request over HTTP went. */
export type Attempt = Answered | Failed;

export interface Answered {
  readonly kind: 'answered';
  readonly status: number;
  /** Header `Retry-After`, as it came. */
  readonly retryAfter: string | undefined;
  /** Header `Location`, of a redirect. */
  readonly location: string | undefined;
  /** The whole body. */
  readonly text: string;
}

/**
 * `refused`: no connection was made, so nothing was carried out. `lost`, `timeout`: no answer, or half of one, of a server that
 * may have carried it out. `impossible`: trying again cannot help, as with an unknown host or a wrong certificate.
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

/** What an attempt needs of the world. */
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

/** Sends a request once and reads the answer to its end. Never rejects; an aborted `signal` ends it as `impossible`. */
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
    // A redirect would be followed without the credentials, and a POST as a GET.
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

/** `fetch` wraps what went wrong on the way, sometimes more than once. */
function reasonOf(error: unknown): FailureReason {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : '';
    if (REFUSED.has(code)) return 'refused';
    if (LOST.has(code)) return 'lost';
  }
  return 'impossible';
}

import { codeOf, RejoinApiError, type RejoinApiErrorParts } from './api-error.ts';
import type { Answered, Attempt } from './attempt.ts';
import { isObject } from './json.ts';

/** Which call an error is about. */
export type About = Pick<RejoinApiErrorParts, 'method' | 'path' | 'idempotencyKey'>;

/** The body as JSON, or as text when it is none. */
export function bodyOf({ text }: Answered): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

export function aborted(about: About, signal: AbortSignal, attempts: number, mayHaveRun: boolean): RejoinApiError {
  const message = `${about.method} ${about.path} was given up by its signal.`;
  return new RejoinApiError({ ...about, code: 'ABORTED', message, attempts, mayHaveRun, cause: signal.reason });
}

/** Statuses that say something of what was asked for, if the server is one of ours. A 409 of ours has no body to tell by. */
const MEANT: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 406, 501]);

/** Whether it is something else than a server of a cluster that answers so: an error of ours names its status in the body. */
export function isForeign(answer: Answered): boolean {
  if (!MEANT.has(answer.status)) return false;
  const body = bodyOf(answer);
  return !isObject(body) || body['status'] !== answer.status;
}

/**
 * What the last attempt of a call means, when no other follows.
 * @param base of the URL to which it was sent
 */
export function failed(
  last: Attempt,
  about: About & { attempts: number; mayHaveRun: boolean },
  base: string,
): RejoinApiError {
  const what = `${about.method} ${about.path}`;
  const times = about.attempts === 1 ? '' : ` after ${about.attempts} attempts`;
  if (last.kind === 'answered') {
    if (isForeign(last)) {
      const message = `${what} is answered with ${last.status}${times}, not by a Rejoin server: ${base} leads to something else.`;
      return new RejoinApiError({ ...about, code: 'UNEXPECTED_ANSWER', status: last.status, message });
    }
    const body = bodyOf(last);
    const word = isObject(body) && typeof body['message'] === 'string' ? ` ${body['message']}` : '';
    const target = last.location === undefined ? '' : ` It points to ${last.location}.`;
    const later = last.retryAfter === undefined ? '' : ` Retry-After: ${last.retryAfter}.`;
    const code = codeOf(last.status);
    const message = `${what} is answered with ${last.status}${times}.${word}${target}${later}`;
    return new RejoinApiError({ ...about, code, status: last.status, message });
  }
  const { reason, cause } = last;
  const how = {
    refused: 'finds nobody',
    lost: 'broke off',
    timeout: 'has no answer in time',
    impossible: 'cannot be sent',
  };
  const message = `${what} ${how[reason]}${times}: ${deepest(cause)}`;
  return new RejoinApiError({
    ...about,
    code: reason === 'impossible' ? 'UNREACHABLE' : 'UNAVAILABLE',
    message,
    cause,
  });
}

/** The message of what went wrong first: what wraps it says only that something did. */
function deepest(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}

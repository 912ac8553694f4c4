import { codeOf, RejoinApiError, type RejoinApiErrorParts } from './api-error.ts';
import type { Answered, Attempt } from './attempt.ts';
import { isObject } from './json.ts';

/** The call that an error is about. */
export type About = Pick<RejoinApiErrorParts, 'method' | 'path' | 'idempotencyKey'>;

/** The body parsed as JSON, or as text if it isn't JSON. */
export function bodyOf({ text }: Answered): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

export function aborted(about: About, signal: AbortSignal, attempts: number, mayHaveRun: boolean): RejoinApiError {
  const message = `${about.method} ${about.path} was aborted by its signal.`;
  return new RejoinApiError({ ...about, code: 'ABORTED', message, attempts, mayHaveRun, cause: signal.reason });
}

/** Statuses that are only meaningful from a Rejoin server. A Rejoin server's 409 has no body to recognise it by. */
const MEANT: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 406, 501]);

/** Whether another program than a Rejoin server has answered. A Rejoin server's errors repeat their status in the body. */
export function isForeign(answer: Answered): boolean {
  if (!MEANT.has(answer.status)) return false;
  const body = bodyOf(answer);
  return !isObject(body) || body['status'] !== answer.status;
}

/**
 * The error for the last attempt of a call.
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
      const message = `${what} was answered with ${last.status}${times}, but not by a Rejoin server: ${base} leads to another program.`;
      return new RejoinApiError({ ...about, code: 'UNEXPECTED_ANSWER', status: last.status, message });
    }
    const body = bodyOf(last);
    const word = isObject(body) && typeof body['message'] === 'string' ? ` ${body['message']}` : '';
    const target = last.location === undefined ? '' : ` It points to ${last.location}.`;
    const later = last.retryAfter === undefined ? '' : ` Retry-After: ${last.retryAfter}.`;
    const code = codeOf(last.status);
    const message = `${what} was answered with ${last.status}${times}.${word}${target}${later}`;
    return new RejoinApiError({ ...about, code, status: last.status, message });
  }
  const { reason, cause } = last;
  const how = {
    refused: 'found no server',
    lost: 'broke off',
    timeout: 'had no answer in time',
    impossible: 'could not be sent',
  };
  const message = `${what} ${how[reason]}${times}: ${deepest(cause)}`;
  return new RejoinApiError({
    ...about,
    code: reason === 'impossible' ? 'UNREACHABLE' : 'UNAVAILABLE',
    message,
    cause,
  });
}

/** The message of the innermost error. Errors that wrap it only say that something failed. */
function deepest(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}

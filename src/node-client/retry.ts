import type { Attempt, FailureReason } from './attempt.ts';

/** When a call is sent again. All times in milliseconds. */
export interface RetryPolicy {
  /** How long a call may take with all its attempts and waits. Default 20 000. */
  readonly deadlineMs: number;
  /** How long one attempt may take. Default 10 000. */
  readonly attemptMs: number;
  /** Width of the wait before the second attempt, of which it is a random part; doubles with every further one. Default 200. */
  readonly baseMs: number;
  /** Largest width. Default 3 000. */
  readonly capMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { deadlineMs: 20_000, attemptMs: 10_000, baseMs: 200, capMs: 3_000 };

/** An attempt has failed and another one follows. */
export interface RetryEvent {
  /** E.g. `POST`. */
  readonly method: string;
  /** E.g. `/openvidu/api/sessions`. */
  readonly path: string;
  /** The attempt that has failed, from 1. */
  readonly attempt: number;
  /** Its answer's status; without one, `reason` tells why there is no answer. */
  readonly status?: number;
  /** Where there was no answer. */
  readonly reason?: FailureReason;
  /** How long until the next attempt, ms. */
  readonly delayMs: number;
}

/** The gateway statuses: not now. Everything else is an answer of somebody who knows. */
const NOT_NOW: readonly number[] = [502, 503, 504];

/**
 * Whether to send a request again. One whose repetition is not harmless is sent again only if it has certainly not been
 * carried out.
 */
export function mayRepeat(last: Attempt, repeatable: boolean): boolean {
  if (last.kind === 'answered') return repeatable && NOT_NOW.includes(last.status);
  return last.reason === 'refused' || (repeatable && last.reason !== 'impossible');
}

/** Whether a server may have carried out what this attempt asked for, though it did not say so. */
export function mayHaveRun(last: Attempt): boolean {
  return last.kind === 'answered' ? last.status >= 500 : last.reason === 'lost' || last.reason === 'timeout';
}

/**
 * How long to wait after attempt `failed` (from 1): a random part of the width ("full jitter"), after what the server asks for,
 * so that those who were told the same second do not come back in the same instant.
 */
export function delayAfter(failed: number, policy: RetryPolicy, random: () => number, askedMs = 0): number {
  const width = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(failed - 1, 30));
  return Math.round(askedMs + width * random());
}

/** A `Retry-After` header, in seconds or as a date, as ms from now. 0 for none and for one that cannot be read. */
export function retryAfterMs(header: string | undefined, date: number): number {
  if (header === undefined) return 0;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - date;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

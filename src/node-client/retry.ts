import type { Attempt, FailureReason } from './attempt.ts';

/** When calls are retried. Times in ms. */
export interface RetryPolicy {
  /** Time limit for a call with all its attempts and delays. Default 20 000. */
  readonly deadlineMs: number;
  /** Time limit for one attempt. Default 10 000. */
  readonly attemptMs: number;
  /** Largest delay before the second attempt; the delay is a random part of it. Doubles with every further attempt. Default 200. */
  readonly baseMs: number;
  /** Upper limit of that doubling. Default 3 000. */
  readonly capMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { deadlineMs: 20_000, attemptMs: 10_000, baseMs: 200, capMs: 3_000 };

/** A failed attempt that is followed by another. */
export interface RetryEvent {
  /** E.g. `POST`. */
  readonly method: string;
  /** E.g. `/openvidu/api/sessions`. */
  readonly path: string;
  /** Number of the failed attempt, from 1. */
  readonly attempt: number;
  /** Status of its answer. Without an answer, see `reason`. */
  readonly status?: number;
  /** Why there was no answer. */
  readonly reason?: FailureReason;
  /** Delay before the next attempt, ms. */
  readonly delayMs: number;
}

/** Gateway statuses, which mean "not at this moment". Any other status is a server's definite answer. */
const NOT_NOW: readonly number[] = [502, 503, 504];

/**
 * Whether to send a request again. If its repetition is not harmless, this requires that it was certainly not carried out.
 */
export function mayRepeat(last: Attempt, repeatable: boolean): boolean {
  if (last.kind === 'answered') return repeatable && NOT_NOW.includes(last.status);
  return last.reason === 'refused' || (repeatable && last.reason !== 'impossible');
}

/** Whether a server may have carried out the request although it gave no success. */
export function mayHaveRun(last: Attempt): boolean {
  return last.kind === 'answered' ? last.status >= 500 : last.reason === 'lost' || last.reason === 'timeout';
}

/**
 * Delay after attempt `failed` (from 1): the server's `Retry-After` plus a random part of the width ("full jitter"). So clients that got the
 * same `Retry-After` don't return simultaneously.
 */
export function delayAfter(failed: number, policy: RetryPolicy, random: () => number, askedMs = 0): number {
  const width = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(failed - 1, 30));
  return Math.round(askedMs + width * random());
}

/** Parses `Retry-After`, seconds or a date, to ms from now. 0 if it is missing or unreadable. */
export function retryAfterMs(header: string | undefined, date: number): number {
  if (header === undefined) return 0;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - date;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

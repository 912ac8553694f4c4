/** When to try again. All times in milliseconds. */
export interface RetryPolicy {
  /**
   * Width of the wait before the first attempt to come back; the wait is a random part of it, which is what spreads
   * the clients of a crashed master. Default: what the server names, 250.
   */
  readonly spreadMs?: number;
  /**
   * Width of the wait before the second attempt; doubles with every further one, up to half of the time that the trouble has lasted.
   * Default 500.
   */
  readonly baseMs?: number;
  /** Largest width. Default 5 000: a place is kept for 20 s, so that there are some attempts within. */
  readonly capMs?: number;
  /**
   * Give up after so long without success. Default: never. Time in which the machine sleeps, or the page is frozen, is not a
   * reason to give up: there is one more attempt first.
   */
  readonly giveUpAfterMs?: number;
}

export const DEFAULT_RETRY = { spreadMs: 250, baseMs: 500, capMs: 5_000 } as const;

/**
 * How long to wait before attempt `attempt` (from 1): a random part of the width ("full jitter"), of which the later
 * attempts wait at least a tenth so that a dead address is not hammered.
 *
 * A refused connection costs no time, so a client with short waits has made many attempts after a second. Without a bound by
 * `troubleMs` it would then wait for seconds while the server has long been back.
 * @param troubleMs how long the trouble has lasted; default: for so long that it bounds nothing
 */
export function delayBefore(
  attempt: number,
  policy: RetryPolicy,
  random: () => number,
  troubleMs = Number.POSITIVE_INFINITY,
): number {
  const { spreadMs, baseMs, capMs } = { ...DEFAULT_RETRY, ...policy };
  if (attempt <= 1) return Math.round(spreadMs * random());
  const doubled = baseMs * 2 ** Math.min(attempt - 2, 30);
  // The server needs its spread at every attempt that may be the one which succeeds.
  const fitting = Math.max(baseMs, spreadMs, troubleMs / 2);
  return partOf(Math.min(capMs, doubled, fitting), random);
}

/** How long to wait where there is little hope, as without a network: as before an attempt after very many. */
export function longestDelay({ capMs = DEFAULT_RETRY.capMs }: RetryPolicy, random: () => number): number {
  return partOf(capMs, random);
}

function partOf(width: number, random: () => number): number {
  return Math.round(width * (0.1 + 0.9 * random()));
}

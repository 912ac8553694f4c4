/** Delays between attempts. All times in milliseconds. */
export interface RetryPolicy {
  /**
   * Width of the delay before the first attempt to come back. The delay is a random part of it, which spreads the
   * clients of a crashed master. Default: the server's value, 250.
   */
  readonly spreadMs?: number;
  /**
   * Width of the delay before the second attempt; doubles with every further one, up to half of the time that the outage has lasted.
   * Default 500.
   */
  readonly baseMs?: number;
  /** Largest width. Default 5 000, which allows some attempts while the server keeps a connection (20 s). */
  readonly capMs?: number;
  /**
   * Give up after this time without success. Default: never. After a sleep of the machine or a freeze of the page,
   * the SDK makes one more attempt first.
   */
  readonly giveUpAfterMs?: number;
}

export const DEFAULT_RETRY = { spreadMs: 250, baseMs: 500, capMs: 5_000 } as const;

/**
 * The delay before attempt `attempt` (from 1): a random part of the width ("full jitter"). Later attempts wait at
 * least a tenth, so that clients do not flood a dead address.
 *
 * A refused connection costs no time, so a client with short delays has made many attempts after a second. Without a bound by
 * `troubleMs` it would then wait for seconds after the server is back.
 * @param troubleMs how long the outage has lasted; default: no bound
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

/** The delay when there is little hope, e.g. without a network: the same as after very many attempts. */
export function longestDelay({ capMs = DEFAULT_RETRY.capMs }: RetryPolicy, random: () => number): number {
  return partOf(capMs, random);
}

function partOf(width: number, random: () => number): number {
  return Math.round(width * (0.1 + 0.9 * random()));
}

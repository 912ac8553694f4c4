import type { NetworkQuality } from '../../protocol/model.ts';

/** Measurements of the network between this client and the media node. A missing value does not count. */
export interface NetworkStats {
  /** `false`: media had a path, and has none now. */
  readonly connected: boolean;
  /** There and back, ms. */
  readonly rttMs?: number | undefined;
  /** Share of the packets that were lost, 0 to 1, of the worse direction. */
  readonly loss?: number | undefined;
  /** How unevenly packets of audio arrive, ms. */
  readonly jitterMs?: number | undefined;
  /** Estimated bits per second that the network carries from this client; only while it sends video. */
  readonly bitrate?: number | undefined;
}

/** The worst measurements that a level allows. */
interface Limits {
  readonly rttMs: number;
  readonly loss: number;
  readonly jitterMs: number;
  readonly bitrate: number;
}

/** By level, the best first. What is worse than the last is 1, and without a path 0. */
const LIMITS: readonly (readonly [NetworkQuality, Limits])[] = [
  [5, { rttMs: 150, loss: 0.01, jitterMs: 30, bitrate: 400_000 }],
  [4, { rttMs: 250, loss: 0.03, jitterMs: 50, bitrate: 250_000 }],
  [3, { rttMs: 400, loss: 0.07, jitterMs: 80, bitrate: 150_000 }],
  [2, { rttMs: 700, loss: 0.15, jitterMs: 150, bitrate: 80_000 }],
];

/** To rise, a network must be better by so much than the level asks for: what wavers between two levels stays at one. */
const RESERVE = 0.8;

/**
 * How well a network does: the best level all of whose limits it keeps.
 *
 * | level | there and back | lost | jitter | carries |
 * |---|---|---|---|---|
 * | 5 excellent | ≤ 150 ms | ≤ 1 % | ≤ 30 ms | ≥ 400 kbit/s |
 * | 4 good | ≤ 250 ms | ≤ 3 % | ≤ 50 ms | ≥ 250 kbit/s |
 * | 3 fair | ≤ 400 ms | ≤ 7 % | ≤ 80 ms | ≥ 150 kbit/s |
 * | 2 poor | ≤ 700 ms | ≤ 15 % | ≤ 150 ms | ≥ 80 kbit/s |
 * | 1 bad | anything else |
 * | 0 broken | no path |
 *
 * @param before the level that was told last: to rise above it, 80 % of each limit must be kept (125 % of the bit rate)
 */
export function qualityOf(stats: NetworkStats, before: NetworkQuality | undefined): NetworkQuality {
  if (!stats.connected) return 0;
  const fitting = LIMITS.find(([level, limits]) => {
    const reserve = before !== undefined && before > 0 && level > before ? RESERVE : 1;
    return keeps(stats, limits, reserve);
  });
  return fitting?.[0] ?? 1;
}

function keeps({ rttMs, loss, jitterMs, bitrate }: NetworkStats, limits: Limits, reserve: number): boolean {
  return (
    (rttMs ?? 0) <= limits.rttMs * reserve &&
    (loss ?? 0) <= limits.loss * reserve &&
    (jitterMs ?? 0) <= limits.jitterMs * reserve &&
    (bitrate ?? Number.POSITIVE_INFINITY) >= limits.bitrate / reserve
  );
}

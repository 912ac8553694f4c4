import { setTimeout as delay } from 'node:timers/promises';

/** Unix time, ms, with fractions; pages and load processes use the same clock. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Resolves at the Unix time `at`, ms. */
export async function untilTime(at: number): Promise<void> {
  const left = at - now();
  if (left > 0) await delay(left);
}

/** What many measurements come to. */
export interface Summary {
  /** How many there were. */
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * The smallest sample that at least `share` of all samples do not exceed: always a value that was measured, never one
 * in between. Few samples make it the largest of them, which errs on the honest side.
 * @throws {RangeError} when there are no samples
 */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((one, other) => one - other);
  const found = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (found === undefined) throw new RangeError('There is no quantile of no samples.');
  return found;
}

/** @throws {RangeError} when there are no samples */
export function summarise(samples: readonly number[]): Summary {
  return {
    count: samples.length,
    min: quantile(samples, 0),
    p50: quantile(samples, 0.5),
    p95: quantile(samples, 0.95),
    p99: quantile(samples, 0.99),
    max: quantile(samples, 1),
  };
}

/** Statistics of many measurements. */
export interface Summary {
  /** Number of measurements. */
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * The smallest sample that at least `share` of all samples do not exceed: always a measured value, never an
 * interpolated one. With few samples it is the largest, which errs on the safe side.
 * @throws {RangeError} without samples
 */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((one, other) => one - other);
  const found = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (found === undefined) throw new RangeError('A quantile needs samples.');
  return found;
}

/** @throws {RangeError} without samples */
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

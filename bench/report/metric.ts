import { type Summary, summarise } from './statistics.ts';

export type Unit = 'ms' | 's' | 'KB' | 'px' | 'frames' | 'frames/s' | 'messages' | 'connections';
export type Statistic = keyof Omit<Summary, 'count'>;

type Limit =
  | { readonly atMost: number; readonly atLeast?: never }
  | { readonly atLeast: number; readonly atMost?: never };

/** A limit to meet. */
export type Target = Limit & {
  readonly statistic: Statistic;
  /** The source of a limit that was measured in the same run, e.g. `2 × the floor's p95`. */
  readonly meaning?: string;
  /** The cause if the target is not met; shown only then. */
  readonly whenMissed: string;
  /** Set if exceeding the target means a loss; the run then fails. */
  readonly loss?: true;
};

/** One quantity, measured several times. */
export interface Metric {
  /** Its name for programs, e.g. `takeover.signalingBack`. */
  readonly key: string;
  /** Its name for people. */
  readonly what: string;
  readonly unit: Unit;
  readonly samples: readonly number[];
  /** The same work without a cluster, measured in the same run. */
  readonly floor?: { readonly what: string; readonly samples: readonly number[] };
  readonly target?: Target;
}

/** A metric as it is reported. */
export interface Result {
  readonly key: string;
  readonly what: string;
  readonly unit: Unit;
  readonly summary: Summary;
  readonly floor: { readonly what: string; readonly summary: Summary } | undefined;
  readonly verdict: Verdict | undefined;
}

export type Verdict = Limit & {
  readonly statistic: Statistic;
  readonly meaning: string | undefined;
  /** The excess over the limit; `undefined` if the target is met. */
  readonly missedBy: number | undefined;
  readonly whenMissed: string;
  readonly isLoss: boolean;
};

/** @throws {RangeError} without samples */
export function resultOf({ key, what, unit, samples, floor, target }: Metric): Result {
  const summary = summarise(samples);
  return {
    key,
    what,
    unit,
    summary,
    floor: floor && { what: floor.what, summary: summarise(floor.samples) },
    verdict: target && judge(summary, target),
  };
}

function judge(summary: Summary, target: Target): Verdict {
  const { statistic, meaning, whenMissed, loss } = target;
  const found = summary[statistic];
  const excess = target.atMost === undefined ? target.atLeast - found : found - target.atMost;
  const missedBy = excess > 0 ? excess : undefined;
  const limit: Limit = target.atMost === undefined ? { atLeast: target.atLeast } : { atMost: target.atMost };
  return { ...limit, statistic, meaning, missedBy, whenMissed, isLoss: loss === true && missedBy !== undefined };
}

/** A number for people: whole, or with its significant digits. */
export function readable(value: number): string {
  const digits = Math.abs(value) >= 20 || Number.isInteger(value) ? 0 : Math.abs(value) >= 1 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

/** A number with its unit, e.g. `1 frame`, `2 frames`, `3 ms`. */
export function amount(value: number, unit: Unit): string {
  const counted = ['frames', 'messages', 'connections'].includes(unit);
  return `${readable(value)} ${counted && value === 1 ? unit.replace(/s$/, '') : unit}`;
}

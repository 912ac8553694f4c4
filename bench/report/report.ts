import type { Machine } from './machine.ts';
import { type Metric, type Result, resultOf } from './metric.ts';
import type { Summary } from './statistics.ts';

/** The results of one benchmark. */
export interface Measured {
  readonly name: string;
  readonly title: string;
  /** How it was measured, for readers of the numbers. */
  readonly method: string;
  readonly trials: number;
  readonly metrics: readonly Metric[];
}

export interface BenchmarkReport extends Omit<Measured, 'metrics'> {
  readonly seconds: number;
  readonly results: readonly Result[];
}

/** The results of one run of the command. */
export interface Report {
  /** As requested, possibly `all`. */
  readonly name: string;
  readonly date: Date;
  readonly command: string;
  readonly machine: Machine;
  readonly benchmarks: readonly BenchmarkReport[];
}

export function reportOf({ metrics, ...measured }: Measured, seconds: number): BenchmarkReport {
  return { ...measured, seconds: Math.round(seconds), results: metrics.map(resultOf) };
}

/** The report for programs. */
export function toJson({ name, date, command, machine, benchmarks }: Report): string {
  const content = {
    name,
    date: date.toISOString(),
    command,
    machine,
    benchmarks: benchmarks.map(({ results, name: of, trials, seconds }) => ({
      name: of,
      trials,
      seconds,
      metrics: results.map(metricJson),
    })),
  };
  return JSON.stringify(content, null, 2);
}

function metricJson({ key, what, unit, summary, floor, verdict }: Result): object {
  return {
    key,
    what,
    unit,
    ...rounded(summary),
    ...(floor ? { floor: { what: floor.what, ...rounded(floor.summary) } } : {}),
    ...(verdict
      ? {
          target: {
            statistic: verdict.statistic,
            ...(verdict.atMost === undefined ? { atLeast: round(verdict.atLeast) } : { atMost: round(verdict.atMost) }),
            meaning: verdict.meaning,
          },
          met: verdict.missedBy === undefined,
          ...(verdict.missedBy === undefined ? {} : { missedBy: round(verdict.missedBy), why: verdict.whenMissed }),
        }
      : {}),
  };
}

function rounded({ count, min, p50, p95, p99, max }: Summary): Summary {
  return { count, min: round(min), p50: round(p50), p95: round(p95), p99: round(p99), max: round(max) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

import { amount, type Result, readable, type Verdict } from './metric.ts';
import type { BenchmarkReport } from './report.ts';
import type { Summary } from './statistics.ts';

const COLUMNS = ['', 'n', 'min', 'p50', 'p95', 'p99', 'max', 'floor p50 / p95 / max', 'target', 'met'] as const;
/** Columns up to this one hold numbers. */
export const NUMBERS = 7;

/** One row for each result: cells of plain text, the same for the terminal and for the page. */
export function rowsOf({ results }: BenchmarkReport): { readonly head: readonly string[]; readonly rows: string[][] } {
  return { head: COLUMNS, rows: results.map(row) };
}

function row({ what, unit, summary, floor, verdict }: Result): string[] {
  const { count, min, p50, p95, p99, max } = summary;
  const values = count === 1 ? ['', readable(max), '', '', ''] : [min, p50, p95, p99, max].map(readable);
  return [
    `${what}, ${unit}`,
    String(count),
    ...values,
    floor ? spread(floor.summary) : '',
    verdict ? targetText(verdict) : '',
    verdict ? (verdict.missedBy === undefined ? 'yes' : `no, by ${readable(verdict.missedBy)}`) : '',
  ];
}

function spread({ count, p50, p95, max }: Summary): string {
  return count === 1 ? readable(max) : [p50, p95, max].map(readable).join(' / ');
}

function targetText({ statistic, atMost, atLeast, meaning }: Verdict): string {
  const limit =
    atMost === undefined
      ? `${statistic} ≥ ${readable(atLeast)}`
      : atMost === 0
        ? `${statistic} 0`
        : `${statistic} ≤ ${readable(atMost)}`;
  return meaning ? `${limit} (${meaning})` : limit;
}

/** Missed targets, with excess and cause; the floors. */
export function notesOf({ results }: BenchmarkReport): { readonly missed: string[]; readonly floors: string[] } {
  const floors = new Set(results.flatMap(({ floor }) => (floor ? [floor.what] : [])));
  const missed = results.flatMap(({ what, unit, verdict }) =>
    verdict?.missedBy === undefined
      ? []
      : [`${what}: missed by ${amount(verdict.missedBy, unit)}. ${verdict.whenMissed}`],
  );
  return { missed, floors: [...floors] };
}

/** A benchmark's results for the terminal. */
export function toText(report: BenchmarkReport): string {
  const { head, rows } = rowsOf(report);
  const all = [[...head], ...rows];
  const widths = head.map((_, at) => Math.max(...all.map((cells) => (cells[at] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (at === 0 || at > NUMBERS ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  const { missed, floors } = notesOf(report);
  return [
    `${report.name}: ${report.title} (${report.trials} ${report.trials === 1 ? 'trial' : 'trials'}, ${report.seconds} s)`,
    '',
    ...all.map(line),
    '',
    ...floors.map((floor) => `Floor: ${floor}`),
    ...missed.map((note) => `Not met: ${note}`),
  ].join('\n');
}

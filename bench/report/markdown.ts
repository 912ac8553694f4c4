import { describe } from './machine.ts';
import type { BenchmarkReport, Report } from './report.ts';
import { NUMBERS, notesOf, rowsOf } from './table.ts';

const WIDTH = 120;

/** The whole report as the page docs/performance.md. */
export function toMarkdown({ date, command, machine, benchmarks }: Report): string {
  const targets = benchmarks.flatMap(({ results }) =>
    results.flatMap(({ verdict }) => (verdict ? [verdict.missedBy] : [])),
  );
  const missed = targets.filter((missedBy) => missedBy !== undefined).length;
  return [
    '# Performance',
    '',
    `Written by \`${command}\` on ${date.toISOString().slice(0, 16).replace('T', ' ')} UTC; do not edit by hand.`,
    '',
    ...describe(machine).map(([what, value]) => `- ${what}: ${value}`),
    '',
    'Everything runs on this one machine: browsers, cluster, load and floors. A killed process restarts at once beside',
    'them. p95 is the smallest sample that 95 % of the samples do not exceed; with fewer than',
    '20 samples it is the largest. The floor is the same work without a cluster, measured in the same run.',
    '',
    `Targets: ${targets.length - missed} met, ${missed} not met.`,
    ...benchmarks.flatMap(section),
    '',
  ].join('\n');
}

function section(report: BenchmarkReport): string[] {
  const { head, rows } = rowsOf(report);
  const { missed, floors } = notesOf(report);
  return [
    '',
    `## ${report.name}: ${report.title}`,
    '',
    ...wrapped(report.method),
    '',
    tableRow(head),
    tableRow(head.map((_, at) => (at === 0 || at > NUMBERS ? '---' : '--:'))),
    ...rows.map(tableRow),
    '',
    `${report.trials} ${report.trials === 1 ? 'trial' : 'trials'}, ${report.seconds} s.`,
    ...floors.flatMap((floor) => ['', ...wrapped(`Floor: ${floor}`)]),
    ...(missed.length > 0 ? ['', 'Not met:', '', ...missed.flatMap((note) => wrapped(`- ${note}`, '  '))] : []),
  ];
}

/** A paragraph in lines as long as those of the other pages. */
function wrapped(text: string, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent + word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

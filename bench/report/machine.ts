import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** Where a run was made. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  /** Those that took part, with their versions. */
  readonly browsers: readonly string[];
  readonly kernel: string;
  /** Processes that wanted to run in the minute before: what else the machine had to do. */
  readonly loadBefore: number;
}

const GIB = 1024 ** 3;

export function thisMachine(loadBefore: number, browsers: readonly string[]): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / GIB),
    node: process.version,
    browsers,
    kernel: `${type()} ${release()}`,
    loadBefore,
  };
}

export function loadNow(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

/** The machine in words, one pair for each thing to know. */
export function describe({ cpu, cores, memoryGiB, node, browsers, kernel, loadBefore }: Machine): [string, string][] {
  return [
    ['Processor', `${cpu}, ${cores} ${cores === 1 ? 'core' : 'cores'}`],
    ['Memory', `${memoryGiB} GiB`],
    ['Kernel', kernel],
    ['Node', node],
    ...(browsers.length === 0 ? [] : ([['Browsers', browsers.join(', ')]] satisfies [string, string][])),
    ['Load average in the minute before', String(loadBefore)],
  ];
}

import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** Where a run was made. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  /** Where browsers took part. */
  readonly chromium: string | undefined;
  readonly kernel: string;
  /** Processes that wanted to run in the minute before: what else the machine had to do. */
  readonly loadBefore: number;
}

const GIB = 1024 ** 3;

export function thisMachine(loadBefore: number, chromium: string | undefined): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / GIB),
    node: process.version,
    chromium,
    kernel: `${type()} ${release()}`,
    loadBefore,
  };
}

export function loadNow(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

/** The machine in words, one pair for each thing to know. */
export function describe({ cpu, cores, memoryGiB, node, chromium, kernel, loadBefore }: Machine): [string, string][] {
  return [
    ['Processor', `${cpu}, ${cores} ${cores === 1 ? 'core' : 'cores'}`],
    ['Memory', `${memoryGiB} GiB`],
    ['Kernel', kernel],
    ['Node', node],
    ...(chromium === undefined ? [] : ([['Chromium', chromium]] satisfies [string, string][])),
    ['Load average in the minute before', String(loadBefore)],
  ];
}

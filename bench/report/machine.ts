import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** The machine of a run. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  /** The browsers of the run, with their versions. */
  readonly browsers: readonly string[];
  readonly kernel: string;
  /** Runnable processes in the minute before: the other load of the machine. */
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

/** The machine as pairs of label and text. */
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

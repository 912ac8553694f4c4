import type { LinkName } from './benchmarks/bad-links.ts';
import type { Cleanup } from './cleanup.ts';
import type { Measured } from './report/report.ts';

export interface BenchmarkOptions {
  readonly trials: number;
  /** Of the storm. */
  readonly connections: number;
  /** The only bad link to measure; default: each of them. */
  readonly link?: LinkName | undefined;
}

/** What a benchmark works with. */
export interface Context extends BenchmarkOptions {
  /** Everything a benchmark starts is ended through here. */
  readonly cleanup: Cleanup;
  /** Tells how far it is. */
  readonly progress: (text: string) => void;
  /** Told the version of the browser that takes part. */
  readonly sawBrowser: (version: string) => void;
}

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  readonly trials: number;
  run(context: Context): Promise<Pick<Measured, 'method' | 'metrics'>>;
}

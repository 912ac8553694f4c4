import type { BrowserKind } from '../test/fixtures/browsers/browser-kind.ts';
import type { LinkName } from './benchmarks/bad-links.ts';
import type { Cleanup } from './cleanup.ts';
import type { Measured } from './report/report.ts';

export interface BenchmarkOptions {
  readonly trials: number;
  /** Number of connections of the storm. */
  readonly connections: number;
  /** The browsers to measure in, among those that the benchmark supports. */
  readonly browsers: readonly BrowserKind[];
  /** The only bad link to measure; default: all. */
  readonly link?: LinkName | undefined;
}

/** The tools of a benchmark. */
export interface Context extends BenchmarkOptions {
  /** Ends everything that the benchmark starts. */
  readonly cleanup: Cleanup;
  /** Reports the progress. */
  readonly progress: (text: string) => void;
  /** Called with the version of each browser in use. */
  readonly sawBrowser: (kind: BrowserKind, version: string) => void;
}

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  readonly trials: number;
  /** Supported browsers. Without a choice it runs in the first, or in all if it compares browsers. */
  readonly browsers: readonly BrowserKind[];
  run(context: Context): Promise<Pick<Measured, 'method' | 'metrics'>>;
}

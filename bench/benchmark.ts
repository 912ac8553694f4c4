import type { BrowserKind } from '../test/fixtures/browsers/browser-kind.ts';
import type { LinkName } from './benchmarks/bad-links.ts';
import type { Cleanup } from './cleanup.ts';
import type { Measured } from './report/report.ts';

export interface BenchmarkOptions {
  readonly trials: number;
  /** Of the storm. */
  readonly connections: number;
  /** Those to measure in, of those that the benchmark knows. */
  readonly browsers: readonly BrowserKind[];
  /** The only bad link to measure; default: each of them. */
  readonly link?: LinkName | undefined;
}

/** What a benchmark works with. */
export interface Context extends BenchmarkOptions {
  /** Everything a benchmark starts is ended through here. */
  readonly cleanup: Cleanup;
  /** Tells how far it is. */
  readonly progress: (text: string) => void;
  /** Told the version of each browser that takes part. */
  readonly sawBrowser: (kind: BrowserKind, version: string) => void;
}

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  readonly trials: number;
  /** Those it can be measured in. It is in the first, or in all where it is about browsers, unless one is asked for. */
  readonly browsers: readonly BrowserKind[];
  run(context: Context): Promise<Pick<Measured, 'method' | 'metrics'>>;
}

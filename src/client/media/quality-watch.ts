import type { NetworkQuality } from '../../protocol/model.ts';
import { type NetworkStats, qualityOf } from './network-quality.ts';
import { worstOf } from './transport-stats.ts';

const EVERY_MS = 5_000;

export interface QualityWatchOptions {
  /** Measures each transport that carries media; none, and nothing is known. */
  readonly measure: () => Promise<readonly NetworkStats[]>;
  /** The level is another one now. */
  readonly changed: (level: NetworkQuality) => void;
  /** Whether nobody looks at the page: browsers slow its media down then, which is no fault of the network. */
  readonly isHidden?: () => boolean;
}

/** Measures this client's network again and again, and tells when it does better or worse. */
export class QualityWatch {
  readonly #options: QualityWatchOptions;
  #level: NetworkQuality | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: QualityWatchOptions) {
    this.#options = options;
  }

  /** Begins to measure. More than once: as once. */
  start(): void {
    this.#timer ??= setTimeout(() => void this.#look(), EVERY_MS);
  }

  /** Ends it; the next start begins anew. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#level = undefined;
  }

  async #look(): Promise<void> {
    const timer = this.#timer;
    const { measure, changed, isHidden = isPageHidden } = this.#options;
    const stats = isHidden() ? [] : await measure().catch(() => []);
    if (timer !== this.#timer) return;
    this.#timer = undefined;
    this.start();
    if (stats.length === 0) return;
    const level = qualityOf(worstOf(stats), this.#level);
    if (level === this.#level) return;
    this.#level = level;
    changed(level);
  }
}

function isPageHidden(): boolean {
  return 'document' in globalThis && document.hidden;
}

import type { Logger } from './logging.ts';

const EACH_MS = 1_000;

/**
 * Samples log lines that outsiders can cause, so that a client that errs a thousand times a second cannot fill the disk. After an initial
 * burst it writes a line per second, with the count of those left out.
 */
export class SampledLog {
  readonly #log: Pick<Logger, 'warn'>;
  readonly #burst: number;
  readonly #now: () => number;
  #allowed: number;
  #countedAt: number;
  #leftOut = 0;
  #rest: NodeJS.Timeout | undefined;

  constructor(log: Pick<Logger, 'warn'>, burst: number, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#burst = burst;
    this.#now = now;
    this.#allowed = burst;
    this.#countedAt = now();
  }

  warn(fields: Readonly<Record<string, unknown>>, message: string): void {
    const now = this.#now();
    this.#allowed = Math.min(this.#burst, this.#allowed + (now - this.#countedAt) / EACH_MS);
    this.#countedAt = now;
    if (this.#allowed >= 1) return this.#write(fields, message);
    this.#leftOut += 1;
    // Reports the last lines left out even if no further line follows.
    this.#rest ??= setTimeout(() => this.#write({}, message), EACH_MS).unref();
  }

  close(): void {
    clearTimeout(this.#rest);
    this.#rest = undefined;
  }

  #write(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#log.warn(this.#leftOut > 0 ? { ...fields, leftOut: this.#leftOut } : fields, message);
    this.#allowed -= 1;
    this.#leftOut = 0;
    this.close();
  }
}

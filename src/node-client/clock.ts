/** The clocks that retries need. */
export interface Clock {
  /** Monotonic, ms. */
  now(): number;
  /** Unix time, ms. */
  date(): number;
  /** Resolves after `ms`, or as soon as `signal` aborts. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

export const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal?.addEventListener('abort', end);
      if (signal?.aborted) end();
    }),
};

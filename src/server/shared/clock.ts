/** Time, as code asks for it that tests must be able to hold still. */
export interface Clock {
  /** Monotonic, ms. */
  now(): number;
  /** Runs `work` after `ms`, unless the function that it returns is called before. */
  after(ms: number, work: () => void): () => void;
}

export const MACHINE_CLOCK: Clock = {
  now: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms).unref();
    return () => clearTimeout(timer);
  },
};

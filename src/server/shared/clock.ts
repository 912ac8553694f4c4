/** A source of time that tests can control. */
export interface Clock {
  /** Monotonic, ms. */
  now(): number;
  /** Runs `work` after `ms`. Call the result to cancel it. */
  after(ms: number, work: () => void): () => void;
}

export const MACHINE_CLOCK: Clock = {
  now: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** A delay that can be cut short, e.g. by `reconnectNow()`. */
export class Pause {
  #end: (() => void) | undefined;

  /** Resolves after `ms`, or at `skip()`. */
  wait(ms: number): Promise<void> {
    this.skip();
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end?.(), ms);
      this.#end = () => {
        clearTimeout(timer);
        this.#end = undefined;
        resolve();
      };
    });
  }

  skip(): void {
    this.#end?.();
  }
}

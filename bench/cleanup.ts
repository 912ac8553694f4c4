/** What a run has started, to be ended the latest first, at its end or when it is interrupted. */
export class Cleanup {
  readonly #ends: (() => unknown)[] = [];

  add(end: () => unknown): void {
    this.#ends.push(end);
  }

  /** A part that can be ended before the rest, and is ended with it. */
  part(): Cleanup {
    const part = new Cleanup();
    this.add(() => part.run());
    return part;
  }

  /** Ends everything, whatever fails. */
  async run(): Promise<void> {
    for (let end = this.#ends.pop(); end; end = this.#ends.pop()) {
      try {
        await end();
      } catch (error) {
        process.stderr.write(`CleanupFailed: ${String(error)}\n`);
      }
    }
  }
}

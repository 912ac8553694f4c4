/** Ends everything that a run has started, the latest first, at its end or when it is interrupted. */
export class Cleanup {
  readonly #ends: (() => unknown)[] = [];

  add(end: () => unknown): void {
    this.#ends.push(end);
  }

  /** A part that can be ended earlier, and otherwise ends with the rest. */
  part(): Cleanup {
    const part = new Cleanup();
    this.add(() => part.run());
    return part;
  }

  /** Ends everything, even if some ends fail. */
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

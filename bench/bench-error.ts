/** A run that failed or lost something: what happened, and what to do. */
export class BenchError extends Error {
  override readonly name: string;

  /** `name` can be searched for, e.g. `BundleMissing`. */
  constructor(name: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = name;
  }
}

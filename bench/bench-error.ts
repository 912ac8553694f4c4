/** A run that could not be carried out, or in which something was lost: what happened, and what to do. */
export class BenchError extends Error {
  override readonly name: string;

  /** `name` is what people can look for, e.g. `BundleMissing`. */
  constructor(name: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = name;
  }
}

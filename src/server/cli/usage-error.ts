/** An option, or options that do not go together: reported in one line, with exit code 2. */
export class UsageError extends Error {
  override readonly name: string;

  /** `name` is what people can look for, e.g. `InvalidPort`; `message` says what was given and what to give. */
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** @throws {UsageError} `name`, when the option was not given */
export function needed<T>(value: T | undefined, name: string, option: string, what: string): T {
  if (value === undefined) throw new UsageError(name, `${option} is needed: ${what}.`);
  return value;
}

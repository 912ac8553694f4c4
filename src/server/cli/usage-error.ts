/** A wrong option, or a wrong combination of options. It is reported in one line, with exit code 2. */
export class UsageError extends Error {
  override readonly name: string;

  /** `name` is a searchable term, e.g. `InvalidPort`. `message` says what is wrong and what to give. */
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** @throws {UsageError} `name` if the option is missing */
export function needed<T>(value: T | undefined, name: string, option: string, what: string): T {
  if (value === undefined) throw new UsageError(name, `${option} is missing. Give ${what}.`);
  return value;
}

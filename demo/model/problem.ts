/** Something that did not work, as the page tells it. */
export interface Problem {
  /** What to look it up by, e.g. `DEVICE_ACCESS_DENIED`. */
  readonly name: string;
  readonly message: string;
  /** What to do about it. */
  readonly action: string | undefined;
}

/** Errors of the SDK and of the demo's server say what to do; those of the browser do not. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), action: undefined };
  const { name, message } = error;
  const code = 'code' in error && typeof error.code === 'string' && error.code !== name ? ` (${error.code})` : '';
  const action = 'action' in error && typeof error.action === 'string' ? error.action : undefined;
  return { name: name + code, message, action };
}

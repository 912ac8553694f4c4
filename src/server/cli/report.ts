import { UsageError } from './usage-error.ts';

/** Exit code of a command that was not understood. */
export const USAGE = 2;

/** Says what went wrong, and returns the exit code. */
export function reportFailure(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.name}: ${error.message}\n`);
    return USAGE;
  }
  if (!(error instanceof Error)) throw error;
  const { name, message, stack } = error;
  if ('code' in error && error.code === 'EADDRINUSE') {
    process.stderr.write(`PortTaken: ${message}. End the program that has the port, or choose another with --port.\n`);
  } else {
    // A named error of ours says all there is to say; anything else is a fault, and its place matters.
    process.stderr.write(`${name === 'Error' || name === 'TypeError' ? stack : `${name}: ${message}`}\n`);
  }
  return 1;
}

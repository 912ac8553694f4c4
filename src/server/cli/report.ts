import { UsageError } from './usage-error.ts';

/** Exit code for a wrong command line. */
export const USAGE = 2;

/** Prints what went wrong, and returns the exit code. */
export function reportFailure(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.name}: ${error.message}\n`);
    return USAGE;
  }
  if (!(error instanceof Error)) throw error;
  const { name, message, stack } = error;
  if ('code' in error && error.code === 'EADDRINUSE') {
    process.stderr.write(`PortTaken: ${message}. End the program that uses the port, or choose another with --port.\n`);
  } else {
    // The project's own errors have a name and explain themselves. Any other error is a fault, so print its stack.
    process.stderr.write(`${name === 'Error' || name === 'TypeError' ? stack : `${name}: ${message}`}\n`);
  }
  return 1;
}
